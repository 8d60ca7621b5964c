//go:build unix

package pgserver

import (
	"os"
	"syscall"
)

// follow reads a pipe until its end, page by page. Each goes from the pipe into the tail while the lock is held, so that
// whoever asks for the end of the log (see last) can take what the server has written and this has not come to yet.
func (t *tail) follow(pipe *os.File) {
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
			more, end := t.take(fd)
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

// take reads a page of what is in the pipe. more: there may be another one. end: there will be none. The caller has the
// lock.
func (t *tail) take(fd uintptr) (more, end bool) {
	n, err := syscall.Read(int(fd), t.page[:])
	if n > 0 {
		t.write(t.page[:n])
	}
	return n > 0 || err == syscall.EINTR, err != syscall.EAGAIN
}
