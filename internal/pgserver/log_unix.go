//go:build unix

package pgserver

import (
	"os"
	"syscall"
)

// readPipe reads a pipe until its end, page by page. Each page moves from the pipe to the tail while the lock is held. So
// whoever needs the end of the log (see lockDrained) can read the rest of the pipe itself.
func (t *logTail) readPipe(pipe *os.File) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	t.mu.Lock()
	t.pipe = raw
	t.mu.Unlock()
	_ = raw.Read(func(fd uintptr) bool {
		for {
			t.mu.Lock()
			more, end := t.readPage(fd)
			t.mu.Unlock()
			if !more {
				return end
			}
		}
	})
	t.mu.Lock()
	t.pipe = nil
	t.mu.Unlock()
}

// readPage reads a page from the pipe. more: there may be another one. end: the pipe is closed. The caller has the lock.
func (t *logTail) readPage(fd uintptr) (more, end bool) {
	n, err := syscall.Read(int(fd), t.page[:])
	if n > 0 {
		t.write(t.page[:n])
	}
	return n > 0 || err == syscall.EINTR, err != syscall.EAGAIN
}
