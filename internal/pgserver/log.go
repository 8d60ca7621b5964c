package pgserver

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"syscall"
)

// keptLog is how much of the end of a server's log is kept. A migration can write as much as it
// likes, and nobody reads more.
const keptLog = 64 << 10

// logTail keeps the end of a pipe's output.
type logTail struct {
	mu    sync.Mutex
	buf   []byte // at most twice keptLog
	total int64
	short bool // a process could not get the memory that it requested

	pipe syscall.RawConn // the pipe; nil for none, or closed
	page [32 << 10]byte
}

// lockDrained takes the lock, and reads everything that was written until now.
func (t *logTail) lockDrained() {
	t.mu.Lock()
	if t.pipe == nil {
		return
	}
	// A closed pipe has nothing left in it.
	_ = t.pipe.Control(func(fd uintptr) {
		for range mostPages { // limited, because the writer may go on
			if more, _ := t.readPage(fd); !more {
				return
			}
		}
	})
}

// mostPages is more than a pipe holds.
const mostPages = 64

// write appends p. The caller has the lock.
func (t *logTail) write(p []byte) {
	t.total += int64(len(p))
	// When memory runs out, a process writes an account of it that ends like this, at any log
	// level.
	t.short = t.short || bytes.Contains(p, []byte("Grand total: "))
	if n := len(p); n > keptLog {
		p = p[n-keptLog:]
	}
	if len(t.buf)+len(p) > 2*keptLog {
		t.buf = t.buf[:copy(t.buf, t.buf[len(t.buf)-keptLog:])]
	}
	t.buf = append(t.buf, p...)
}

// lastLines returns at most the last n bytes, in whole lines.
func (t *logTail) lastLines(n int) string {
	t.lockDrained()
	defer t.mu.Unlock()
	text := string(t.buf[max(0, len(t.buf)-n):])
	if t.total > int64(len(text)) {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

// listReachedLimits returns which limits were reached, given the memory that a process may have.
func (t *logTail) listReachedLimits(memory uint64) (bounds []string) {
	const much = 1 << 20 // more than is useful
	t.lockDrained()
	defer t.mu.Unlock()
	if t.total >= much {
		bounds = append(bounds, fmt.Sprintf("%d MB were written to the server's log, of which the last %d kB are kept", t.total>>20, keptLog>>10))
	}
	if t.short && memory > 0 {
		bounds = append(bounds, fmt.Sprintf("a process of the server asked for more memory than the %d MB that each may have here: a larger machine has more",
			memory>>20))
	}
	return bounds
}
