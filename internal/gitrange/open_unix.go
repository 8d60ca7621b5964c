//go:build unix

package gitrange

import (
	"errors"
	"os"
	"syscall"
)

// openFile opens a file for reading. os.Open would register each file with the
// runtime's poller, which rejects regular files: six system calls more than the
// four that reading a small file needs.
func openFile(path string) (opened, error) {
	fd, err := retryInterrupted(func() (int, error) { return syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0) })
	return opened(fd), err
}

// opened is a file descriptor.
type opened int

// wrapOpenFile wraps an open file, which its owner closes.
func wrapOpenFile(f *os.File) opened { return opened(f.Fd()) }

// size is the file's size in bytes, and whether it is a regular file.
func (f opened) size() (size int64, regular bool, err error) {
	var st syscall.Stat_t
	_, err = retryInterrupted(func() (int, error) { return 0, syscall.Fstat(int(f), &st) })
	return st.Size, st.Mode&syscall.S_IFMT == syscall.S_IFREG, err
}

// read is io.Reader's Read, except that the end is 0 bytes without an error.
func (f opened) read(p []byte) (int, error) {
	return retryInterrupted(func() (int, error) { return syscall.Read(int(f), p) })
}

func (f opened) close() { _ = syscall.Close(int(f)) } // nothing was written

// retryInterrupted calls f until no signal interrupts it.
func retryInterrupted(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if !errors.Is(err, syscall.EINTR) {
			return max(n, 0), err
		}
	}
}
