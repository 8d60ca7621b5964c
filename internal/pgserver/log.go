package pgserver

import (
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
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += int64(len(p))
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

// met tells when more was written than is of use to anybody, "" otherwise.
func (t *tail) met() string {
	const much = 1 << 20
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total < much {
		return ""
	}
	return fmt.Sprintf("%d MB were written to the server's log, of which the last %d kB are kept", t.total>>20, keptLog>>10)
}
