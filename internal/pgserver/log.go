package pgserver

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
)

// keptLog is how much of a server's log is kept: its end. A migration can write
// as much as it likes, and nobody reads more.
const keptLog = 64 << 10

// tail is a writer that keeps the end of what it is given.
type tail struct {
	mu    sync.Mutex
	buf   []byte // at most twice keptLog
	total int64
	short bool // a process could not get the memory that it asked for
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += int64(len(p))
	// So ends the account of its memory that a process writes then, whatever the levels of the log.
	t.short = t.short || bytes.Contains(p, []byte("Grand total: "))
	n := len(p)
	if n > keptLog {
		p = p[n-keptLog:]
	}
	if len(t.buf)+len(p) > 2*keptLog {
		t.buf = t.buf[:copy(t.buf, t.buf[len(t.buf)-keptLog:])]
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

// last is at most the last n bytes, whole lines.
func (t *tail) last(n int) string {
	t.mu.Lock()
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
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total >= much {
		bounds = append(bounds, fmt.Sprintf("%d MB were written to the server's log, of which the last %d kB are kept", t.total>>20, keptLog>>10))
	}
	if t.short && memory > 0 {
		bounds = append(bounds, fmt.Sprintf("a process of the server asked for more memory than the %d MB that each may have here: a larger machine has more", memory>>20))
	}
	return bounds
}
