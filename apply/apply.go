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
	"time"

	"github.com/onward-sql/onward/apply/internal/backfill"
	"github.com/onward-sql/onward/apply/internal/evidence"
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// The defaults of a [Config].
const (
	DefaultWithin   = queue.Within
	DefaultMaxStall = queue.MaxStall
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
	// UnknownVersion begins a plan also on a server of a newer major version than this release was proven on.
	UnknownVersion bool
	// Server is the address of the Postgres on which Workload's copy of the schema is made; "" means a throwaway server.
	Server string
	// AcceptPublications are publications whose subscribers already have what the steps need, or may stop.
	AcceptPublications []string
	// AcceptTriggers are triggers, rules and policies on the migration tool's table that may run.
	AcceptTriggers []string
	// AcceptOldSnapshots is the reason not to wait for transactions that do not see what a backfill wrote, before a step gives its rows a known
	// name, nor for those that would read no rows after REPACK (CONCURRENTLY). The audit trail keeps it. "" waits.
	AcceptOldSnapshots string
	// WaitForStandbys waits for such transactions on standbys, too.
	WaitForStandbys bool
	// AsSuperuser: a superuser's steps may run code of roles without its rights.
	AsSuperuser bool
	// Slice limits this call; nil does not. A database on which another process works is then not waited for.
	Slice *Slice
	// Tell is called for each event; nil for none.
	Tell func(Event)
}

// Limits say when a backfill pauses.
type Limits = throttle.Limits

// Evidence controls the check before the first contract step: is there a sign that the old code still runs?
type Evidence struct {
	// GoneBecause says how the user knows that the old code is gone in spite of such signs; "" refuses then. The log keeps it.
	GoneBecause string
	// Window is the time between the two samples of pg_stat_statements. 0 is DefaultWindow; below 0 skips them.
	Window time.Duration
}

// DefaultWindow is the time between two samples of pg_stat_statements.
const DefaultWindow = evidence.DefaultWindow

// FewestRows and MostRows bound a batch.
const FewestRows, MostRows = backfill.FewestRows, backfill.MostRows

// MostParallel limits Config.Parallel.
const MostParallel = backfill.MostParallel

// State is the progress after a [Target.Step].
type State = run.State

// Errors of a run.
type (
	// RefusedError says why a plan or a step must not be carried out. Nothing of it was carried out.
	RefusedError = run.RefusedError
	// UnfinishedError says that a plan is not done, and why. Finished steps stay done, and running the same command again
	// continues.
	UnfinishedError = run.UnfinishedError
)

// Errors of the packages below.
type (
	// HeldError says that another process is working on the database.
	HeldError = ledger.HeldError
	// LostError says that another process has taken over.
	LostError = ledger.LostError
	// ChoiceError says that no plan of the ledger, or more than one, is what was asked for.
	ChoiceError = progress.ChoiceError
	// OtherError says that another release of onward made the ledger.
	OtherError = ledger.OtherError
	// PlantedError says that a schema of onward's in the database belongs to somebody else, or has what others planted there.
	PlantedError = ownschema.PlantedError
	// ServerError says that the database cannot be reached.
	ServerError = live.ServerError
)

// Run carries a plan out.
//
// Errors:
//   - a *config.InputError for a plan that cannot be read,
//   - a [*RefusedError] for a plan that does not belong to this database, or whose conditions do not hold,
//   - an [*UnfinishedError] if a step failed or was not done in time,
//   - a [*PlantedError] for a schema of onward's that belongs to somebody else, or has what others planted there,
//   - a [*HeldError] or [*LostError] if another process is working on the database,
//   - a [*ServerError] if the database cannot be reached,
//   - a [*SliceError] if [Config.Slice] ended the call.
//
// The known progress of the plan is returned with each of them.
func Run(ctx context.Context, c Config) (*onward.Applied, error) {
	if isEmptyPlan(c.Plan) {
		return runEmptyPlan(ctx, &c)
	}
	return runPlan(ctx, settings{Config: c})
}

// runPlan carries out the plan of some settings, attempt after attempt, or a slice of it.
func runPlan(ctx context.Context, c settings) (*onward.Applied, error) {
	return withTarget(ctx, c, func(t *Target) error {
		if err := t.refuseIfReplacedMigrationsRan(ctx); err != nil {
			return err
		}
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
	if session.ClassifyError(stateErr) == session.ConnectionLost && !live.IsSilence(stateErr) { // a new connection reads it
		out, stateErr = t.readProgress(ctx)
	}
	if out != nil && err != nil {
		out.Why = err.Error()
	}
	return out, errors.Join(err, stateErr)
}

// runAttempts makes one attempt after another until nothing is left to do, or the call's slice of time is over: see [Config.Slice].
func (t *Target) runAttempts(ctx context.Context, attempt func() (State, error)) error {
	slice := t.c.startSlice()
	step, since := slice.lastBlockedStep()
	for {
		if err := slice.endBeforeLongStep(t.record.NextStep); err != nil {
			return err
		}
		s, err := attempt()
		if err != nil || s.Done {
			return err
		}
		if !s.Waits || step != s.Step.ID {
			step, since = s.Step.ID, time.Now()
		}
		if s.Waits && time.Since(since) > t.record.Within {
			return t.recordBlockedStep(ctx, &s)
		}
		if err := slice.checkEnd(&s, since, t.hasUnsavedProgress()); err != nil {
			return err
		}
		if err := queue.Pause(ctx, s.Again); err != nil {
			return &UnfinishedError{Step: step, Why: "it was interrupted", Err: err}
		}
	}
}

// completeWork makes attempts at work that is not a step until it succeeds. Its events and its error name the step s.
func (t *Target) completeWork(ctx context.Context, s *onward.PlanStep, work func() error) error {
	next := func() *onward.PlanStep { return s }
	return t.runAttempts(ctx, func() (State, error) {
		return t.attemptNext(ctx, next, func(s *onward.PlanStep) (State, error) { return State{Step: s, Done: true}, work() })
	})
}

// ProcessName returns the name of this process for the ledger and for application_name: "onward apply on db1, process
// 812".
func ProcessName(command string) string { return session.ProcessName(command) }

// Slice limits one call of [Run], so that a worker with other targets can go on with them.
type Slice struct {
	// Length ends the call after this time, between two attempts or batches.
	Length time.Duration
	// Long allows what may take longer than a slice. Without it, the call ends before a statement over a whole table, and a search that
	// would begin again ends with the slice.
	Long bool
	// Stop ends the call at the same places as Length, when it is closed. nil never does.
	Stop <-chan struct{}
	// Before is how the last call ended; nil for the first one. [Config.Within] counts the time that its step has waited.
	Before *SliceError
}

// SliceError says that a slice ended before the plan was done. The same call goes on.
type SliceError struct {
	// Step is the next step. Long: it may take longer than a slice.
	Step string
	Long bool
	// Waited is for how long the step has waited for others, and InTheWay describes them. Both are empty after progress.
	Waited   time.Duration
	InTheWay []string
}

// Error names the step.
func (e *SliceError) Error() string {
	if e.Long {
		return "it goes on with " + e.Step + ", which may take long"
	}
	return "it goes on with " + e.Step
}

// isLongStep reports whether a step has one statement whose duration depends on the rows.
func isLongStep(s *onward.PlanStep) bool {
	return !s.Repeat && s.Transaction == onward.TransactionNone || s.Class == onward.StepConcurrent || s.Class == onward.StepValidate || s.Class == onward.StepWork
}

// sliceClock measures a slice. nil never ends.
type sliceClock struct {
	*Slice
	end time.Time
}

func (c *settings) startSlice() *sliceClock {
	if c.Slice == nil {
		return nil
	}
	return &sliceClock{c.Slice, time.Now().Add(c.Slice.Length)}
}

// lastBlockedStep returns the step that others blocked at the end of the last slice, and since when; "" for none.
func (s *sliceClock) lastBlockedStep() (step string, since time.Time) {
	if s == nil || s.Before == nil || s.Before.Waited == 0 {
		return "", since
	}
	return s.Before.Step, time.Now().Add(-s.Before.Waited)
}

// endBeforeLongStep returns a [*SliceError] if the slice must end before the next step.
func (s *sliceClock) endBeforeLongStep(nextStep func() (*onward.PlanStep, int)) error {
	if s == nil || s.Long {
		return nil
	}
	if next, _ := nextStep(); next != nil && isLongStep(next) {
		return &SliceError{Step: next.ID, Long: true}
	}
	return nil
}

// checkEnd returns a [*SliceError] after an attempt if the slice is over. inMemory: see [Target.hasUnsavedProgress].
func (s *sliceClock) checkEnd(state *State, since time.Time, inMemory bool) error {
	if s == nil {
		return nil
	}
	select {
	case <-s.Stop:
	default:
		if time.Now().Before(s.end) || s.Long && inMemory {
			return nil
		}
	}
	out := &SliceError{Step: state.Step.ID, Long: inMemory || isLongStep(state.Step)}
	if state.Waits {
		out.Waited, out.InTheWay = time.Since(since), state.InTheWay
	}
	return out
}
