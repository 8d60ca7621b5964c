package pgserver

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"syscall"
)

// keptLog is how much of a server's log is kept: its end. A migration can write
// as much as it likes, and nobody reads more.
const keptLog = 64 << 10

// tail keeps the end of what comes out of a pipe.
type tail struct {
	mu    sync.Mutex
	buf   []byte // at most twice keptLog
	total int64
	short bool // a process could not get the memory that it asked for

	pipe syscall.RawConn // where it comes from; nil is nowhere, or not any more
	page [32 << 10]byte
}

// drained takes the lock, and what was written until now.
func (t *tail) drained() {
	t.mu.Lock()
	if t.pipe == nil {
		return
	}
	// A closed pipe has nothing left in it.
	_ = t.pipe.Control(func(fd uintptr) {
		for range mostPages { // who goes on writing meanwhile is not waited for
			if more, _ := t.take(fd); !more {
				return
			}
		}
	})
}

// mostPages are more than a pipe holds.
const mostPages = 64

// write adds to it. The caller has the lock.
func (t *tail) write(p []byte) {
	t.total += int64(len(p))
	// So ends the account of its memory that a process writes then, whatever the levels of the log.
	t.short = t.short || bytes.Contains(p, []byte("Grand total: "))
	if n := len(p); n > keptLog {
		p = p[n-keptLog:]
	}
	if len(t.buf)+len(p) > 2*keptLog {
		t.buf = t.buf[:copy(t.buf, t.buf[len(t.buf)-keptLog:])]
	}
	t.buf = append(t.buf, p...)
}

// last is at most the last n bytes, whole lines.
func (t *tail) last(n int) string {
	t.drained()
	defer t.mu.Unlock()
	text := string(t.buf[max(0, len(t.buf)-n):])
	if t.total > int64(len(text)) {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// met tells which bounds were met, with the memory that a process may have.
func (t *tail) met(memory uint64) (bounds []string) {
	const much = 1 << 20 // more than is of use to anybody
	t.drained()
	defer t.mu.Unlock()
	if t.total >= much {
		bounds = append(bounds, fmt.Sprintf("%d MB were written to the server's log, of which the last %d kB are kept", t.total>>20, keptLog>>10))
	}
	if t.short && memory > 0 {
		bounds = append(bounds, fmt.Sprintf("a process of the server asked for more memory than the %d MB that each may have here: a larger machine has more", memory>>20))
	}
	return bounds
}
