package run

import (
	"errors"
	"sync"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// NewInputError returns an input error with this text.
func NewInputError(text string) error { return &config.InputError{Err: errors.New(text)} }

// RefusedError says why a plan or a step must not be carried out. Nothing of it was carried out.
type RefusedError struct {
	Step string // "" for the plan
	Text string
	// Next is the single command that continues. It is "" if there is none, or if the same command works after the
	// cause is removed.
	Next string
}

// Error says it.
func (e *RefusedError) Error() string {
	if e.Step == "" {
		return e.Text
	}
	return e.Step + ": " + e.Text
}

// UnfinishedError says that a plan is not done, and why. Finished steps stay done, and running the same command again
// continues.
type UnfinishedError struct {
	Step string
	Why  string
	Err  error // the server's error; nil if others blocked the step
	// Next is the command that follows if the same one would fail again; "" if it would not.
	Next string
}

// Error says it.
func (e *UnfinishedError) Error() string { return e.Step + " is not done: " + e.Why }

// Unwrap returns the server's error.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// State is the progress after a step.
type State struct {
	// Done: the last step that was asked for is committed.
	Done bool
	// Step is the next step; nil when done.
	Step *onward.PlanStep
	// Again is how long to wait before the next call.
	Again time.Duration
	// Waits: the step was not tried, or lost the lock race. InTheWay describes the sessions that were the reason, or else has the server's words.
	Waits    bool
	InTheWay []string
}

// IsAny reports whether an error is of a type.
func IsAny[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// losses is how many lost races double the lock_timeout.
const losses = 10

// Tries are the attempts at the next step. All parts of a run share them.
type Tries struct {
	Step      string    // the ID of the step
	Since     time.Time // when this process began with the step
	Started   bool      // the checks before the step are done
	LostRaces int       // attempts that lost a lock race
	// LostRepacks are the copies that a REPACK (CONCURRENTLY) has lost.
	LostRepacks int
	// Waited is the time that others were in the way. The ledger does not have it yet.
	Waited time.Duration
	// MaxStall limits the lock_timeout of each attempt.
	MaxStall time.Duration
}

// Reset begins with a new step.
func (t *Tries) Reset(step string) { *t = Tries{Step: step, Since: time.Now(), MaxStall: t.MaxStall} }

// LockTimeout returns the lock_timeout of the next attempt.
func (t *Tries) LockTimeout() time.Duration {
	d := queue.FirstStall
	for range t.LostRaces / losses {
		d *= 2
	}
	return min(d, t.MaxStall)
}

// waitReminder is how often a wait is reported while nothing changes.
const waitReminder = time.Minute

// ReportChanges reports a wait if it differs from the last one, and once a minute while it lasts. Numbers in its text do
// not count, because ages and process IDs change with each look.
func ReportChanges(tell func(Event)) func(Event) {
	var mu sync.Mutex
	var last, warning string
	var lastReport time.Time
	return func(e Event) {
		wait := ""
		if e.Kind == Held || e.Kind == Waits {
			wait = string(e.Kind) + " " + prose.CutNumbers(e.Words)
			if e.Step != nil {
				wait += " " + e.Step.ID
			}
		}
		mu.Lock()
		repeated := wait != "" && wait == last && time.Since(lastReport) < waitReminder
		if !repeated {
			last, lastReport = wait, time.Now()
		}
		if e.Kind == Warned {
			repeated, warning = e.Words == warning, e.Words
		}
		mu.Unlock()
		if !repeated {
			tell(e)
		}
	}
}
