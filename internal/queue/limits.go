package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/onward-sql/onward/internal/prose"
)

// Limits of how onward queues for locks, for its own statements and for those that it guards.
const (
	// FirstStall is the lock_timeout of the first attempts. Others wait that long at most if a new blocker
	// appears after the check of the queue.
	FirstStall = 50 * time.Millisecond
	// MaxStall is the default for the largest lock_timeout, and Within for how long a step is retried.
	MaxStall = 500 * time.Millisecond
	Within   = 10 * time.Minute
	// OldEnough is the age from which a transaction is waited for. Younger ones usually end within the
	// lock_timeout.
	OldEnough = 50 * time.Millisecond
	// BlockerPollInterval is the interval between two checks for blockers, WaiterPollInterval between two checks for waiters.
	BlockerPollInterval = 20 * time.Millisecond
	WaiterPollInterval  = 100 * time.Millisecond
	// Drain limits each wait of a concurrent build or drop (CREATE INDEX CONCURRENTLY). Nobody waits for it
	// meanwhile, and a short lock_timeout would leave an invalid index each time.
	Drain = 10 * time.Minute
)

// The queue of a statement is too long from these values.
const (
	maxWaiters = 20
	maxWait    = time.Second
)

// Waiters describes the sessions that wait for another one.
type Waiters struct {
	Count int
	// Longest is how long the first of them has waited.
	Longest time.Duration
}

// TooLong reports whether the session must be ended because of them.
func (t Waiters) TooLong() bool { return t.Count > maxWaiters || t.Longest > maxWait }

// String says why a session was ended.
func (t Waiters) String() string {
	sessions := "1 session"
	if t.Count != 1 {
		sessions = fmt.Sprintf("%d sessions", t.Count)
	}
	return fmt.Sprintf("%s waited for it, the first for %s, and it was ended", sessions, RoundDuration(t.Longest))
}

// Backoff is the wait after a number of lost lock races: five times as long as others may have waited, so
// that their queue has drained, plus a random part that doubles.
func Backoff(stall time.Duration, lost int) time.Duration {
	return 5*stall + rand.N(min(10*time.Second, 250*time.Millisecond<<min(lost, 6)))
}

// DescribeBlockers describe the first three holders.
func DescribeBlockers(list []Blocker) []string {
	var out []string
	for i := range list {
		out = append(out, list[i].String())
	}
	return prose.FirstLines(out, 3)
}

// BlockerReporter limits how often blockers are reported: the same ones once, however old they become, and others
// once a second. The zero value is ready to use.
type BlockerReporter struct {
	who string
	at  time.Time
}

// ShouldReport reports whether these blockers should be reported now.
func (t *BlockerReporter) ShouldReport(list []Blocker) bool {
	blockerKey := ""
	for i := range list {
		blockerKey += fmt.Sprint(list[i].PID, list[i].Prepared, list[i].Server, " ")
	}
	if blockerKey == t.who || time.Since(t.at) < time.Second {
		return false
	}
	t.who, t.at = blockerKey, time.Now()
	return true
}

// Pause waits, or returns the context's error when it ends.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
