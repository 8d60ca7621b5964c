package apply

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/migrations"
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

// snapshotPause is the pause between two searches for old snapshots.
const snapshotPause = 250 * time.Millisecond

// checksRowsOf reports whether the search for dirty rows replaces a step's own check: both check the constraint that it validates. This is so for
// ALTER TABLE t VALIDATE CONSTRAINT c, except in an unchanged migration.
func (t *Target) checksRowsOf(s *onward.PlanStep) bool {
	return s.Class == onward.StepValidate && !t.record.AsWritten
}

// Step works on the plan for about the time in budget: one attempt at the next step, a check
// of the lock queue, or some batches of a backfill. When it returns, its work is committed or
// rolled back. The errors are the same as for [Run].
func (t *Target) Step(ctx context.Context, budget time.Duration) (State, error) {
	number := 0
	next := func() (s *onward.PlanStep) {
		s, number = t.record.NextStep()
		return s
	}
	out, err := t.attemptNext(ctx, next, func(s *onward.PlanStep) (State, error) { return t.tryStep(ctx, s, number, budget) })
	if err == nil && out.Done && t.record.CountUnfinished() == 0 {
		return t.concludePlan(ctx, budget)
	}
	return out, err
}

// attemptNext makes one attempt at the next step; next returns nil if there is none.
func (t *Target) attemptNext(ctx context.Context, next func() *onward.PlanStep, try func(s *onward.PlanStep) (State, error)) (State, error) {
	if err := ctx.Err(); err != nil {
		return State{}, &UnfinishedError{Step: t.record.Tries.Step, Why: "it was interrupted", Err: err}
	}
	if t.disconnected {
		if err := t.resumeAfterLostConnection(ctx); err != nil {
			return t.unreachableState(err)
		}
	}
	if s, err := t.attempt.FinishCommitted(ctx); err != nil {
		return t.handleFailure(ctx, s, err)
	}
	s := next()
	if s == nil {
		return State{Done: true}, nil
	}
	if t.record.Tries.Step != s.ID {
		t.resetTries(s)
	}
	out, err := try(s)
	if err != nil {
		return t.handleFailure(ctx, s, err)
	}
	return out, nil
}

// tryStep checks whether the step is blocked, and tries it if it is not.
func (t *Target) tryStep(ctx context.Context, s *onward.PlanStep, number int, budget time.Duration) (State, error) {
	if err := t.attempt.CheckStepPermissions(s); err != nil {
		return State{}, err
	}
	if !t.record.Tries.Started && s.Begin+s.Record != "" {
		if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return migrations.RefuseRecordTables(ctx, conn, s, t.c.AcceptTriggers)
		}); err != nil {
			return State{}, err
		}
	}
	if reason := t.throttle.CheckHealth(ctx, s); reason != "" {
		return State{Step: s, Waits: !s.Repeat, InTheWay: []string{reason}, Again: throttle.Every}, nil
	}
	// This precedes the checks, because their own queries name what is dropped.
	if state, evident, err := t.oldCode.AskEvidence(ctx, s); err != nil || !evident {
		return state, err
	}
	// This precedes the checks, because they read rows at each attempt.
	if list, err := t.snapshots.WaitForSnapshots(ctx, s); err != nil || len(list) > 0 {
		t.record.Tries.Waited += snapshotPause
		return State{Step: s, Waits: true, InTheWay: list, Again: snapshotPause}, err
	}
	if err := t.checkConditions(ctx, s); err != nil {
		return State{}, err
	}
	if s.Phase == onward.Contract && !t.record.Tries.Started { // what a later step would refuse is refused before the first one
		if _, err := t.properties.CheckInventory(ctx, t.record.Plan.Steps[number:]...); err != nil {
			return State{}, err
		}
	}
	if state, clean, err := t.rows.FindDirtyRows(ctx, s, number, budget); err != nil || !clean {
		return state, err
	}
	if list, err := t.attempt.WaitForQueue(ctx, s, budget); err != nil || len(list) > 0 {
		return State{Step: s, Waits: true, InTheWay: list, Again: 50 * time.Millisecond}, err
	}
	if list, err := t.repack.WaitToBegin(ctx, s); err != nil || len(list) > 0 {
		t.record.Tries.Waited += snapshotPause
		return State{Step: s, Waits: true, InTheWay: list, Again: snapshotPause}, err
	}
	if err := t.record.RecordAttempt(ctx, s, number); err != nil {
		return State{}, err
	}
	if !t.record.Tries.Started {
		t.record.Tries.Started = true
		t.record.ReportEvent(Begun, s, "")
		t.attempt.ShowStatements(s, s.SQL)
	}
	var err error
	switch {
	case s.Repeat:
		return t.backfill.RunBackfill(ctx, s, budget)
	case s.Transaction == onward.TransactionNone:
		err = t.attempt.RunAlone(ctx, s)
	default:
		err = t.attempt.RunInTransaction(ctx, s)
	}
	if err != nil {
		return State{}, t.refuseStepWithBadRows(ctx, s, number, err)
	}
	return State{Step: s}, t.record.RecordFinished(ctx, s, "done", "")
}

// checkConditions checks the step's own conditions: its check query must find no row. Conditions
// that follow from the order of the steps hold already.
func (t *Target) checkConditions(ctx context.Context, s *onward.PlanStep) error {
	if err := t.oldCode.RefuseOldSessions(ctx, s); err != nil {
		return err
	}
	if err := t.oldCode.CheckWorkload(ctx, s); err != nil {
		return err
	}
	if t.record.Tries.Started {
		return nil
	}
	guards, err := t.backfill.RequireVerified(ctx, s)
	if err != nil || s.Check == "" || t.checksRowsOf(s) {
		return err
	}
	t.attempt.Guards = guards
	if err := t.attempt.ClearMarks(ctx, s); err != nil {
		return err
	}
	rows, err := t.session.CountRows(ctx, s.Check)
	if err != nil {
		return err
	}
	if rows > 0 {
		return &RefusedError{Step: s.ID, Text: "there are rows that are not right yet, and it would fail or lose something: " + s.Check}
	}
	return nil
}

// resetTries begins with a new step.
func (t *Target) resetTries(s *onward.PlanStep) {
	t.record.Tries.Reset(s.ID)
	t.throttle.Reset(s)
	t.backfill.Reset()
	t.rows.Reset()
	t.attempt.Reset()
}

// concludePlan ends a plan whose steps are all done. A plan with a contract moves foreign keys from old
// columns to new columns, so each of them is proven first.
func (t *Target) concludePlan(ctx context.Context, budget time.Duration) (State, error) {
	steps := t.record.Plan.Steps
	last := func() *onward.PlanStep { return &steps[len(steps)-1] }
	return t.attemptNext(ctx, last, func(s *onward.PlanStep) (State, error) {
		if t.record.Row.State == ledger.Done {
			return State{Done: true}, nil
		}
		if !t.record.AsWritten && t.record.Plan.Contract() < len(steps) {
			if out, err := t.orphans.ProveForeignKeys(ctx, s, budget); err != nil || !out.Done {
				return out, err
			}
		}
		if !t.record.Scope.IsDatabase() {
			if err := t.attempt.DropCursorSchema(ctx); err != nil {
				return State{}, err
			}
		}
		return State{Done: true}, t.record.SetPlanState(ctx, ledger.Done, "plan done", "")
	})
}

// hasUnsavedProgress reports whether what the target is doing would begin again in the next slice: a search for wrong rows, a proof of foreign keys,
// or a sample of statements.
func (t *Target) hasUnsavedProgress() bool {
	return t.rows.IsInMemory() || t.orphans.IsInMemory() || t.oldCode.IsInMemory()
}

// Verify compares again all rows that the backfills of unfinished plans have filled. id is the ID of a plan; "" means all
// plans. It repairs wrong rows if possible. It skips a backfill whose old columns or table are gone already. It returns
// the progress of the plans, and nothing for plans without a comparison.
//
// The errors are the same as for [Run]. Rows that are not right give a [*RefusedError].
func Verify(ctx context.Context, c Config, id string) ([]*onward.Applied, error) {
	return forEachPlan(ctx, settings{Config: c}, id, onward.Backfill, func(ctx context.Context, c settings) (*onward.Applied, error) {
		out, err := withTarget(ctx, c, func(t *Target) error { return t.verifyBackfills(ctx) })
		if out != nil && err != nil {
			out.Next = underway.BackfillCommand(out.Plan, c.scope.Schema) + " --verify"
		}
		return out, err
	})
}

func (t *Target) verifyBackfills(ctx context.Context) error {
	t.backfill.OnlyVerify = true
	for i := range t.record.Plan.Steps {
		s := &t.record.Plan.Steps[i]
		if s.Backfill != nil && !t.record.IsDone(s.ID) {
			return &RefusedError{Step: s.ID, Text: "this backfill is not done: onward backfill goes on with it, and compares its rows",
				Next: underway.BackfillCommand(t.record.Row.ID, t.record.Scope.Schema)}
		}
		if t.backfill.CanCompare(s) {
			if err := t.verifyBackfill(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyBackfill compares the rows of one backfill.
func (t *Target) verifyBackfill(ctx context.Context, s *onward.PlanStep) error {
	t.resetTries(s)
	t.record.Tries.Started = true
	if err := t.completeWork(ctx, s, func() error { return t.backfill.BeginComparison(ctx, s) }); err != nil {
		return err
	}
	t.record.ReportEvent(Begun, s, "")
	next := func() *onward.PlanStep { return s }
	return t.runAttempts(ctx, func() (State, error) {
		return t.attemptNext(ctx, next, func(s *onward.PlanStep) (State, error) { return t.backfill.RunBackfill(ctx, s, time.Second) })
	})
}

// Continue carries out unfinished plans of the ledger, oldest first, through a phase: the plan with this ID, or
// all for "". Everything before that phase must be done; the steps before a backfill need [Run]. Config.Plan,
// Name and Role come from the ledger.
//
// The errors are the same as for [Run]. A plan that has not reached the phase gives a [*RefusedError].
func Continue(ctx context.Context, c Config, id string) ([]*onward.Applied, error) {
	return forEachPlan(ctx, settings{Config: c}, id, c.Through, runPlan)
}

// forEachPlan calls run for the unfinished plans of the ledger that have reached a phase, oldest first.
func forEachPlan(ctx context.Context, c settings, id string, phase onward.PlanPhase,
	run func(ctx context.Context, c settings) (*onward.Applied, error)) ([]*onward.Applied, error) {
	var list []*ledger.Plan
	unreachedErrors := map[*ledger.Plan]error{}
	reached := map[*ledger.Plan]*onward.Applied{}
	if err := c.useSchema(ctx); err != nil {
		return nil, err
	}
	_, err := progress.WithLedger(ctx, c.DB, func(conn *pgx.Conn) (err error) {
		if list, err = progress.UnfinishedPlans(ctx, conn, c.scope); err != nil {
			return err
		}
		for _, p := range list {
			steps, err := ledger.ReadSteps(ctx, conn, p.ID)
			if err != nil {
				return err
			}
			if unreachedErrors[p] = progress.RequireReached(p, steps, phase, c.scope); unreachedErrors[p] == nil {
				continue
			}
			damage, err := progress.ReadDamage(ctx, conn, p, steps)
			if err != nil {
				return err
			}
			reached[p] = progress.DescribePlan(p, steps, c.scope, damage)
			reached[p].Why = unreachedErrors[p].Error()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if list, err = progress.ChoosePlans(list, id); err != nil {
		return nil, err
	}
	var out []*onward.Applied
	for _, p := range list {
		if unreachedErrors[p] != nil {
			return append(out, reached[p]), unreachedErrors[p]
		}
		planSettings := c
		planSettings.Plan, planSettings.Name, planSettings.Role, planSettings.moved = &p.Plan, p.Name, p.Role, true
		done, err := run(ctx, planSettings)
		if done != nil {
			out = append(out, done)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// LikePattern returns a LIKE pattern that matches all names that contain the text.
func LikePattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
}
