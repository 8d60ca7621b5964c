package run

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgparse"
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

// Event is something that happened.
type Event struct {
	// Kind is the kind of the event.
	Kind EventKind
	Step *onward.PlanStep
	// Rows is how many rows the batch or chunk had. Of is the total that the server estimates; 0 for unknown. For the build of an index both
	// count the blocks so far, as pg_stat_progress_create_index has them.
	Rows, Of int64
	// Took is the duration of the batch or the step.
	Took time.Duration
	// Total counts the rows of the step that all batches of all runs have processed.
	Total int64
	// Words give details: who blocks, or what the server reported.
	Words string
}

// EventKind is what happened.
type EventKind string

// The kinds.
const (
	Held      EventKind = "held"      // another process works on the database
	Begun     EventKind = "begun"     // a step has started
	Waits     EventKind = "waits"     // waiting for blockers
	Lost      EventKind = "lost"      // an attempt lost a lock race
	Passed    EventKind = "passed"    // a batch of a backfill was processed
	Compared  EventKind = "compared"  // some rows of a backfill were compared with their expected values
	Mended    EventKind = "mended"    // some wrong rows were repaired
	Skipped   EventKind = "skipped"   // the change of a row failed during a backfill: the row is in quarantine
	Throttled EventKind = "throttled" // a backfill pauses, because others suffer or because somebody asked for it
	Recovered EventKind = "recovered" // after a lost connection
	Undoing   EventKind = "undoing"   // a step is being undone
	Carried   EventKind = "carried"   // privileges and settings of this database were copied to the object that replaces the old one
	Sends     EventKind = "sends"     // a statement of a step, which was judged
	Finished  EventKind = "finished"  // a step is done
	Warned    EventKind = "warning"   // what the role of the run should not be
	Unchecked EventKind = "unchecked" // the rows were not checked before a step: the server does not answer the query
)

// GoesOn is the text of the [Throttled] event with which a paused backfill resumes.
const GoesOn = "goes on"

// InnerSQL returns a step's SQL without its transaction, and without the lock_timeout for those who run it by hand. For
// "BEGIN; SET LOCAL lock_timeout = '1s'; SELECT 1; COMMIT;" it is "SELECT 1;\n".
func InnerSQL(s *onward.PlanStep) (string, error) {
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return "", NewInputError(s.ID + ": " + err.Error())
	}
	var b strings.Builder
	for i, stmt := range f.Stmts {
		switch n := stmt.Node.GetNode().(type) {
		case *pgparse.Node_TransactionStmt:
			if i == 0 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_BEGIN ||
				i == len(f.Stmts)-1 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
				continue
			}
			return "", NewInputError(s.ID + ": a transaction ends in the midst of it")
		case *pgparse.Node_VariableSetStmt:
			if n.VariableSetStmt.Name == "lock_timeout" {
				continue
			}
		case nil:
			return "", errors.Join(NewInputError(s.ID+" cannot be read"), stmt.Err)
		}
		b.WriteString(f.Src[stmt.Start:stmt.End] + ";\n")
	}
	return b.String(), nil
}
