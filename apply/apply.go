// Package apply carries a plan out on a database that others are using: each step waits first
// until nobody who would hold it up is there, never waits for a lock longer than a blink, and is
// committed together with the row of the ledger that says so. It can be killed at any moment
// and run again.
//
// The engine is [Target.Step]: one attempt, or a few batches of a backfill, and for how long to
// leave the database alone. [Run] calls it until the plan is done.
package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// The defaults of a [Config].
const (
	DefaultWithin   = queue.Within
	DefaultMaxStall = queue.MaxStall
	// losses is how many lost races double the lock_timeout.
	losses = 10
	// underLock is for how long a step that is to be an instant may hold its lock.
	underLock = 5 * time.Second
)

// Config is what [Open] and [Run] need.
type Config struct {
	// DB is the address of the database.
	DB string
	// Plan is what is carried out, and Name what the user calls it.
	Plan *onward.Plan
	Name string
	// Through is the last phase that is carried out, To the last step; "" for Backfill and none.
	Through onward.PlanPhase
	To      string
	// Within is for how long one step is tried. 0 is DefaultWithin.
	Within time.Duration
	// MaxStall bounds the lock_timeout, and so for how long anybody waits behind a step. 0 is
	// DefaultMaxStall.
	MaxStall time.Duration
	// Replicas are the addresses of standbys of the database: before a step whose lock is replayed there, the queries that would
	// hold its replay up are waited for, too, and a backfill holds back when one of them is behind.
	Replicas []string
	// Role is set for the steps, and owns what they make; "" for none.
	Role string
	// Throttle says when a backfill holds back.
	Throttle Limits
	// Who is for the audit trail: whoever runs it.
	Who string
	// Gone is a pattern of LIKE for the application_name of the release that a contract wants gone: no
	// contract step begins while there is such a session. "" does not look.
	Gone string
	// Evidence has a contract ask whether old code still runs, before its first step; nil does not ask.
	Evidence *Evidence
	// Workload is what the new code sends: before the first contract step that is asked for, these queries are held against
	// the schema that the contract leaves, in a copy of the schema without rows. None of them is run. nil does not ask.
	Workload []*verify.Workload
	// Unproven is the reason for which a plan is run whose proof failed, is missing, or is not the proof of its values; ""
	// refuses such a plan. The audit trail keeps the reason.
	Unproven string
	// Server is the address of a Postgres on which that copy is made; "" for a throwaway one.
	Server string
	// AcceptPublications are publications whose subscribers have what the steps need, or may stop.
	AcceptPublications []string
	// Tell is told what happens; nil for nobody.
	Tell func(Event)

	written   string // the files that say the same as the plan, and that the migrations' own tool runs; "" for none
	record    string // SQL that the last step runs, so that the migrations' own tool has them as applied
	unnoted   string // why the migrations' own tool is not told that the plan took their place
	settled   bool   // it is told, or knows
	back      bool   // steps are taken back
	asWritten bool   // the plan is a migration as it stands, for no schema in particular
	direct    *bool  // no pooler of transactions is in between; nil for not asked
	standbys  []*live.Standby
}

// Event is something that happened.
type Event struct {
	// Kind says what.
	Kind EventKind
	Step *onward.PlanStep
	// Rows are those that a backfill has passed, and Of how many there are, as the server
	// estimates; 0 for unknown.
	Rows, Of int64
	// Took is for how long it went on.
	Took time.Duration
	// Total are the rows of the step that were passed by all batches of all runs.
	Total int64
	// Words say more: who is waited for, what the server says.
	Words string
}

// EventKind is what happened.
type EventKind string

// The kinds.
const (
	Held      EventKind = "held"      // somebody else works on it
	Begun     EventKind = "begun"     // a step
	Waits     EventKind = "waits"     // for those in the way
	Lost      EventKind = "lost"      // an attempt: somebody was faster
	Passed    EventKind = "passed"    // some rows of a backfill
	Compared  EventKind = "compared"  // some rows of a backfill, with what they are to be
	Mended    EventKind = "mended"    // some rows that were not what they are to be
	Skipped   EventKind = "skipped"   // a row of a backfill, whose change fails: it is in quarantine
	Throttled EventKind = "throttled" // a backfill: somebody suffers, or asked for it
	Recovered EventKind = "recovered" // from a cut line
	Undoing   EventKind = "undoing"   // a step is being taken back
	Carried   EventKind = "carried"   // privileges and settings of this database, to what takes the place of the old
	Sends     EventKind = "sends"     // a statement of a step, which was judged
	Finished  EventKind = "finished"  // a step
	Unchecked EventKind = "unchecked" // rows, before a step: the server does not answer the question
)

// GoesOn are the words of a [Throttled] backfill that is not any more.
const GoesOn = "goes on"

func (c *Config) complete() error {
	if c.Plan == nil || len(c.Plan.Steps) == 0 {
		return input("the plan has no steps: there is nothing to carry out")
	}
	if c.Plan.Schema != onward.PlanSchema {
		return input(fmt.Sprintf("the plan says %q, and this release reads %q", c.Plan.Schema, onward.PlanSchema))
	}
	if c.Through == "" {
		c.Through = onward.Backfill
	}
	if c.To != "" && !has(c.Plan, c.To) {
		return input(fmt.Sprintf("the plan has no step %q", c.To))
	}
	c.defaults()
	return nil
}

func (c *Config) defaults() {
	if c.Within <= 0 {
		c.Within = DefaultWithin
	}
	if c.MaxStall <= 0 {
		c.MaxStall = DefaultMaxStall
	}
	if c.Tell == nil {
		c.Tell = func(Event) {}
	}
	c.Tell = reportChanges(c.Tell)
}

func has(p *onward.Plan, id string) bool {
	for i := range p.Steps {
		if p.Steps[i].ID == id {
			return true
		}
	}
	return false
}

// input is an error of what was given.
func input(text string) error { return &config.InputError{Err: errors.New(text)} }

// RefusedError says why a plan, or a step, must not be carried out: nothing of it was.
type RefusedError struct {
	Step string // "" for the plan
	Text string
	// Next is the single command that goes on; "" where none does, or the same again, once that is out of the way.
	Next string
}

// Error says it.
func (e *RefusedError) Error() string {
	if e.Step == "" {
		return e.Text
	}
	return e.Step + ": " + e.Text
}

// The errors that come from below.
type (
	// HeldError says that somebody else is at work on the database.
	HeldError = ledger.HeldError
	// LostError says that somebody else has taken over.
	LostError = ledger.LostError
	// OtherError says that another release of onward made the ledger.
	OtherError = ledger.OtherError
	// ServerError says that the database cannot be reached.
	ServerError = live.ServerError
)

// UnfinishedError says that a plan is not done, and why. What is done is done; the same again
// goes on.
type UnfinishedError struct {
	Step string
	Why  string
	Err  error // what the server said; nil where others were in the way
}

// Error says it.
func (e *UnfinishedError) Error() string { return e.Step + " is not done: " + e.Why }

// Unwrap is what the server said.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// State is how it stands after a [Target.Step].
type State struct {
	// Done: the last step that was asked for is committed.
	Done bool
	// Step is the one that is next; nil when done.
	Step *onward.PlanStep
	// Again is for how long to leave the database alone.
	Again time.Duration
	// Waits: the step was not tried, or lost, because of InTheWay: who that is, in sentences.
	Waits    bool
	InTheWay []string
}

// Run carries a plan out.
//
// Errors: a *config.InputError for a plan that cannot be read, a [*RefusedError] for one that is not
// for this database or whose conditions do not hold, an [*UnfinishedError] when a step was not
// done in time or failed, a [*HeldError] or [*LostError] when somebody else is at
// work, a [*ServerError] for a database that cannot be reached. What is known of
// the plan comes with each of them.
func Run(ctx context.Context, c Config) (*onward.Applied, error) {
	return opened(ctx, c, func(t *Target) error {
		return t.through(ctx, func() (State, error) { return t.Step(ctx, time.Second) })
	})
}

// opened has work done on a database, and tells how far its plan is then.
func opened(ctx context.Context, c Config, work func(t *Target) error) (*onward.Applied, error) {
	t, err := Open(ctx, c)
	if err != nil {
		return nil, err
	}
	defer t.Close(ctx)
	err = work(t)
	out, stateErr := t.applied(ctx)
	if out != nil && err != nil {
		out.Why = err.Error()
	}
	return out, errors.Join(err, stateErr)
}

// through makes one attempt behind the other until none is left to make.
func (t *Target) through(ctx context.Context, attempt func() (State, error)) error {
	var step string
	var since time.Time
	for {
		s, err := attempt()
		if err != nil || s.Done {
			return err
		}
		if !s.Waits || step != s.Step.ID {
			step, since = s.Step.ID, time.Now()
		}
		if s.Waits && time.Since(since) > t.c.Within {
			return t.givenUp(ctx, &s)
		}
		if err := queue.Pause(ctx, s.Again); err != nil {
			return &UnfinishedError{Step: step, Why: "it was interrupted", Err: err}
		}
	}
}
