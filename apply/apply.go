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
	"github.com/onward-sql/onward/internal/address"
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
	// underLock limits how long a step that should be instant may hold its lock.
	underLock = 5 * time.Second
)

// Config is what [Open] and [Run] need.
type Config struct {
	// DB is the address of the database.
	DB string
	// Schema is the schema in which the plan runs, although it was made for the schema public: its SQL must name no schema. The schema has
	// its own lease and its own plans in the ledger. "" means the whole database.
	Schema string
	// SearchPath is the search_path for Schema, which it begins with; "" means Schema alone.
	SearchPath string
	// Plan is the plan to carry out. Name is the user's name for it.
	Plan *onward.Plan
	Name string
	// Through is the last phase to carry out, To the last step. "" means Backfill and no particular step.
	Through onward.PlanPhase
	To      string
	// Within limits how long one step is tried. 0 is DefaultWithin.
	Within time.Duration
	// MaxStall limits lock_timeout, and thereby how long anybody waits in the queue for a step's lock. 0 is
	// DefaultMaxStall.
	MaxStall time.Duration
	// Replicas are the addresses of the database's standbys. If a step's lock is replayed on a standby, the step waits
	// for the queries that would delay the replay. A backfill pauses while one of them lags.
	Replicas []string
	// Role is set for the steps and owns the objects that they create; "" means none.
	Role string
	// Throttle says when a backfill pauses.
	Throttle Limits
	// Parallel is how many batches of a backfill run at the same time, each on its own session and with its own part of the keys. 0 is 1.
	Parallel int
	// Who is the person or job that runs the plan, for the audit trail.
	Who string
	// Gone is a LIKE pattern for the application_name of the old release. No contract step begins while such a session
	// exists. "" disables the check.
	Gone string
	// Evidence makes a contract check, before its first step, whether old code still runs; nil disables the check.
	Evidence *Evidence
	// Workload holds the queries of the new code. Before the first requested contract step they are checked against the
	// schema that the contract leaves, in a copy of the schema without rows. No query is executed. nil disables the
	// check.
	Workload []*verify.Workload
	// Unproven is the reason to run a plan whose proof failed, is missing, or was made for other values. The audit
	// trail keeps the reason. "" refuses such a plan.
	Unproven string
	// Server is the address of the Postgres on which that copy is made; "" means a throwaway server.
	Server string
	// AcceptPublications are publications whose subscribers already have what the steps need, or may stop.
	AcceptPublications []string
	// Slice limits this call; nil does not. A database on which another process works is then not waited for.
	Slice *Slice
	// Tell is called for each event; nil for none.
	Tell func(Event)
}

// Event is something that happened.
type Event struct {
	// Kind is the kind of the event.
	Kind EventKind
	Step *onward.PlanStep
	// Rows is how many rows a backfill has processed. Of is the total that the server estimates; 0 for unknown.
	Rows, Of int64
	// Took is the duration.
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
	Unchecked EventKind = "unchecked" // the rows were not checked before a step: the server does not answer the query
)

// GoesOn is the text of the [Throttled] event with which a paused backfill resumes.
const GoesOn = "goes on"

// settings are the settings of one run: those of its caller, and what this package adds.
type settings struct {
	Config

	scope            ledger.Scope // of Config.Schema; see useSchema
	moved            bool         // the plan is from the ledger, which has it in the form for Schema
	writtenFiles     string       // the written files of this plan, which the migration tool runs; "" for none
	record           string       // SQL that the last step runs, so that the migration tool counts its migrations as applied
	unrecordedReason string       // why the migration tool's table does not get a row for the plan
	tableUpToDate    bool         // the migration tool's table is up to date
	undoing          bool         // steps are being undone
	asWritten        bool         // the plan is an unchanged migration and was not made for a particular schema
	direct           *bool        // there is no transaction pooler in between; nil if that was not checked yet
	standbys         []*live.Standby
	searchTime       time.Duration // for a statement that looks for wrong rows in a whole table
	mostHashes       int           // that a search for duplicates keeps; 0 for [mostHashes]
}

// prepareRun checks and completes the settings of a run.
func (c *settings) prepareRun(ctx context.Context) error {
	if err := c.completeConfig(); err != nil {
		return err
	}
	if err := c.useSchema(ctx); err != nil {
		return address.RedactError(err, c.DB)
	}
	return nil
}

func (c *settings) completeConfig() error {
	if c.Plan == nil || len(c.Plan.Steps) == 0 {
		return inputError("the plan has no steps: there is nothing to carry out")
	}
	if c.Plan.Schema != onward.PlanSchema {
		return inputError(fmt.Sprintf("the plan says %q, and this release reads %q", c.Plan.Schema, onward.PlanSchema))
	}
	if c.Through == "" {
		c.Through = onward.Backfill
	}
	if c.To != "" && !hasStep(c.Plan, c.To) {
		return inputError(fmt.Sprintf("the plan has no step %q", c.To))
	}
	c.setDefaults()
	return nil
}

func (c *settings) setDefaults() {
	if c.Within <= 0 {
		c.Within = DefaultWithin
	}
	c.Parallel = min(max(1, c.Parallel), MostParallel)
	if c.MaxStall <= 0 {
		c.MaxStall = DefaultMaxStall
	}
	if c.searchTime <= 0 {
		c.searchTime = longestSearch
	}
	if c.mostHashes <= 0 {
		c.mostHashes = mostHashes
	}
	if c.Who == "" {
		c.Who = ProcessName("apply")
	}
	if c.Tell == nil {
		c.Tell = func(Event) {}
	}
	c.Tell = reportChanges(c.Tell)
}

func hasStep(p *onward.Plan, id string) bool {
	for i := range p.Steps {
		if p.Steps[i].ID == id {
			return true
		}
	}
	return false
}

// inputError returns an input error with this text.
func inputError(text string) error { return &config.InputError{Err: errors.New(text)} }

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

// Errors of the packages below.
type (
	// HeldError says that another process is working on the database.
	HeldError = ledger.HeldError
	// LostError says that another process has taken over.
	LostError = ledger.LostError
	// OtherError says that another release of onward made the ledger.
	OtherError = ledger.OtherError
	// ServerError says that the database cannot be reached.
	ServerError = live.ServerError
)

// UnfinishedError says that a plan is not done, and why. Finished steps stay done, and running the same command again
// continues.
type UnfinishedError struct {
	Step string
	Why  string
	Err  error // the server's error; nil if others blocked the step
}

// Error says it.
func (e *UnfinishedError) Error() string { return e.Step + " is not done: " + e.Why }

// Unwrap returns the server's error.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// State is the progress after a [Target.Step].
type State struct {
	// Done: the last step that was asked for is committed.
	Done bool
	// Step is the next step; nil when done.
	Step *onward.PlanStep
	// Again is how long to wait before the next call.
	Again time.Duration
	// Waits: the step was not tried, or lost the lock race, because of the sessions that InTheWay describes.
	Waits    bool
	InTheWay []string
}

// Run carries a plan out.
//
// Errors:
//   - a *config.InputError for a plan that cannot be read,
//   - a [*RefusedError] for a plan that does not belong to this database, or whose conditions do not hold,
//   - an [*UnfinishedError] if a step failed or was not done in time,
//   - a [*HeldError] or [*LostError] if another process is working on the database,
//   - a [*ServerError] if the database cannot be reached,
//   - a [*SliceError] if [Config.Slice] ended the call.
//
// The known progress of the plan is returned with each of them.
func Run(ctx context.Context, c Config) (*onward.Applied, error) {
	return runSettings(ctx, settings{Config: c})
}

func runSettings(ctx context.Context, c settings) (*onward.Applied, error) {
	return withTarget(ctx, c, func(t *Target) error {
		return t.runAttempts(ctx, func() (State, error) { return t.Step(ctx, time.Second) })
	})
}

// withTarget opens the database, calls work, and returns the plan's progress afterwards.
func withTarget(ctx context.Context, c settings, work func(t *Target) error) (*onward.Applied, error) {
	t, err := openTarget(ctx, c)
	if err != nil {
		return nil, err
	}
	defer t.Close(ctx)
	err = work(t)
	out, stateErr := t.readProgress(ctx)
	if out != nil && err != nil {
		out.Why = err.Error()
	}
	return out, errors.Join(err, stateErr)
}

// runAttempts makes one attempt after another until nothing is left to do.
func (t *Target) runAttempts(ctx context.Context, attempt func() (State, error)) error {
	slice := t.c.startSlice()
	step, since := slice.waitedBefore()
	for {
		if err := slice.refuseLong(t.nextStep); err != nil {
			return err
		}
		s, err := attempt()
		if err != nil || s.Done {
			return err
		}
		if !s.Waits || step != s.Step.ID {
			step, since = s.Step.ID, time.Now()
		}
		if s.Waits && time.Since(since) > t.c.Within {
			return t.recordGivenUp(ctx, &s)
		}
		if err := slice.checkEnd(&s, since, t.isInMemory()); err != nil {
			return err
		}
		if err := queue.Pause(ctx, s.Again); err != nil {
			return &UnfinishedError{Step: step, Why: "it was interrupted", Err: err}
		}
	}
}
