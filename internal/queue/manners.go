package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// How onward stands in line, with its own statements and with those that it guards.
const (
	// FirstStall is the lock_timeout of the first attempts: others wait for so long at most where
	// somebody was faster than the look at the queue.
	FirstStall = 50 * time.Millisecond
	// MaxStall is what it grows to, and Within for how long it is tried, where nothing else is said.
	MaxStall = 500 * time.Millisecond
	Within   = 10 * time.Minute
	// OldEnough is the age from which on a transaction is waited for. Younger ones end by
	// themselves within the lock_timeout.
	OldEnough = 50 * time.Millisecond
	// Look is between two looks at who is in the way, Watch between two at who waits behind.
	Look  = 20 * time.Millisecond
	Watch = 100 * time.Millisecond
	// Drain bounds each wait of a statement that builds or drops beside its users: nobody waits
	// behind it meanwhile, and a short lock_timeout would leave an invalid index each time.
	Drain = 10 * time.Minute
)

// When the queue behind a statement is too long.
const (
	crowd    = 20
	longWait = time.Second
)

// Tail are the sessions that wait behind one.
type Tail struct {
	Count int
	// Longest is for how long the first of them has waited.
	Longest time.Duration
}

// TooLong reports whether the session is to be ended for their sake.
func (t Tail) TooLong() bool { return t.Count > crowd || t.Longest > longWait }

// String is why it was.
func (t Tail) String() string {
	who := "1 session"
	if t.Count != 1 {
		who = fmt.Sprintf("%d sessions", t.Count)
	}
	return fmt.Sprintf("%s waited behind it, the first for %s, and it was ended", who, Round(t.Longest))
}

// Backoff is for how long to leave a lock alone that was not to be had in time, so often: five times as long
// as others may have waited, so that their queue is gone, and a random part that doubles.
func Backoff(stall time.Duration, lost int) time.Duration {
	return 5*stall + rand.N(min(10*time.Second, 250*time.Millisecond<<min(lost, 6)))
}

// Sentences name holders, the first three of them.
func Sentences(list []Holder) []string {
	var out []string
	for i := range list {
		if i == 3 {
			return append(out, fmt.Sprintf("and %d more", len(list)-3))
		}
		out = append(out, list[i].String())
	}
	return out
}

// Teller tells who is in the way: once for the same ones, however old they become, and once a second where a busy
// server has others each time. The zero value has told nobody yet.
type Teller struct {
	who string
	at  time.Time
}

// News reports whether these are to be told.
func (t *Teller) News(list []Holder) bool {
	who := ""
	for i := range list {
		who += fmt.Sprint(list[i].PID, list[i].Prepared, list[i].Server, " ")
	}
	if who == t.who || time.Since(t.at) < time.Second {
		return false
	}
	t.who, t.at = who, time.Now()
	return true
}

// Pause waits, or ends with the context's error.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
