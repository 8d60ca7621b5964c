//go:build !unix

package gitrange

import (
	"errors"
	"io"
	"os"
)

// openFile opens a file for reading.
func openFile(path string) (opened, error) {
	f, err := os.Open(path)
	return opened{f}, err
}

// opened is a file that is open for reading.
type opened struct{ file *os.File }

// wrapOpenFile wraps an open file, which its owner closes.
func wrapOpenFile(f *os.File) opened { return opened{f} }

// size is the file's size in bytes, and whether it is a regular file.
func (f opened) size() (size int64, regular bool, err error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, false, err
	}
	return info.Size(), info.Mode().IsRegular(), nil
}

// read is io.Reader's Read, except that the end is 0 bytes without an error.
func (f opened) read(p []byte) (int, error) {
	n, err := f.file.Read(p)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (f opened) close() { _ = f.file.Close() } // nothing was written
