package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/migrations"
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// Abort undoes a plan that is in the ledger and has not dropped anything yet. It undoes the steps in reverse
// order, with the same care as the steps themselves, and commits each undo together with its ledger row. If it
// is killed, calling it again continues. id is the plan's ID; "" means the only unfinished plan.
// [onward.Applied.StayChanged] lists the rows that keep what the plan has written.
//
// The errors are the same as for [Run].
func Abort(ctx context.Context, config Config, id string) (*onward.Applied, error) {
	var stay []string
	out, err := withPlanToUndo(ctx, config, id, func(t *Target) (err error) {
		if stay, err = t.record.ListChangedByAbort(ctx); err != nil {
			return err
		}
		return t.abortPlan(ctx, stay)
	})
	if out != nil {
		out.StayChanged = stay
	}
	return out, err
}

// withPlanToUndo opens the database for the end of a plan that is in the ledger, and calls end.
func withPlanToUndo(ctx context.Context, config Config, id string, end func(t *Target) error) (*onward.Applied, error) {
	c := settings{Config: config}
	if err := c.useSchema(ctx); err != nil {
		return nil, err
	}
	var list []*ledger.Plan
	_, err := progress.WithLedger(ctx, c.DB, func(conn *pgx.Conn) (err error) {
		list, err = progress.UnfinishedPlans(ctx, conn, c.scope)
		return err
	})
	if err != nil {
		return nil, err
	}
	p, err := progress.ChooseSinglePlan(list, id)
	if err != nil {
		return nil, err
	}
	c.Plan, c.Name, c.Role, c.undoing, c.moved = &p.Plan, p.Name, p.Role, true, true
	out, err := withTarget(ctx, c, end)
	if out != nil && err != nil {
		out.Next = underway.AbortCommand(out.Plan, c.scope.Schema)
		if refused, isRefused := errors.AsType[*RefusedError](err); isRefused && refused.Next != "" {
			out.Next = refused.Next
		}
	}
	return out, err
}

// abortPlan undoes steps until none is left. The log records which rows stay changed.
func (t *Target) abortPlan(ctx context.Context, stay []string) error {
	if err := t.refuseIrreversibleAbort(); err != nil {
		return err
	}
	if err := t.properties.RefuseUndonePublications(ctx); err != nil {
		return err
	}
	for i := range slices.Backward(t.record.Plan.Steps) {
		s := &t.record.Plan.Steps[i]
		if t.record.UndoSQL(s) == "" {
			continue
		}
		if err := t.properties.RefuseUndoLosses(ctx, s); err != nil {
			return err
		}
	}
	if err := t.refuseLastCopy(ctx); err != nil {
		return err
	}
	if err := t.unrecordMigrations(ctx); err != nil {
		return err
	}
	first, last := &t.record.Plan.Steps[0], &t.record.Plan.Steps[len(t.record.Plan.Steps)-1]
	if err := t.completeWork(ctx, last, func() error { return t.record.SetPlanState(ctx, ledger.Aborting, "abort begun", "") }); err != nil {
		return err
	}
	if err := t.runAttempts(ctx, func() (State, error) { return t.undoNext(ctx) }); err != nil {
		return err
	}
	return t.completeWork(ctx, first, func() error {
		if err := t.attempt.DropCursorSchema(ctx); err != nil {
			return err
		}
		return t.record.SetPlanState(ctx, ledger.Abandoned, "plan taken back", undo.DescribeChanged(stay))
	})
}

// refuseIrreversibleAbort refuses if a contract step has dropped something, or may have.
func (t *Target) refuseIrreversibleAbort() error {
	for i := range t.record.Plan.Steps {
		s := &t.record.Plan.Steps[i]
		recorded := t.record.Steps[s.ID]
		if s.Phase != onward.Contract || recorded == nil || !undo.IsIrreversible(t.record.Plan, i) {
			continue
		}
		// A step that was tried in a transaction and is not done has left nothing.
		if recorded.State == ledger.Done || s.Transaction == onward.TransactionNone {
			return &RefusedError{
				Step: s.ID,
				Text: "this contract step has dropped something, or replaced it, and nobody gives that back. onward contract goes on with the plan",
				Next: underway.ContractCommand(t.record.Row, t.record.Scope.Schema),
			}
		}
	}
	return nil
}

// undoNext makes one attempt to undo the last step that is left.
func (t *Target) undoNext(ctx context.Context) (State, error) {
	last := func() *onward.PlanStep {
		for i := len(t.record.Plan.Steps) - 1; i >= 0; i-- {
			if s := &t.record.Plan.Steps[i]; t.record.Steps[s.ID] != nil {
				return s
			}
		}
		return nil
	}
	return t.attemptNext(ctx, last, func(s *onward.PlanStep) (State, error) { return t.attempt.UndoStep(ctx, s) })
}

// recordBlockedStep returns the error for a step that others have blocked for too long, and records it in the ledger.
func (t *Target) recordBlockedStep(ctx context.Context, s *State) error {
	reason := fmt.Sprintf("others were in its way for %s", t.record.Within)
	if len(s.InTheWay) > 0 {
		reason += ": " + strings.Join(s.InTheWay, "; ")
	}
	return errors.Join(&UnfinishedError{Step: s.Step.ID, Why: reason}, t.record.RecordStepState(ctx, ledger.Waiting, reason))
}

// Forget closes a plan that is in the ledger: a migration that it replaces has run all the same. It drops only triggers of the plan that fail each
// write, because their column or table is gone, with their functions. It reports each step that is left, with the statements that would undo it.
// id is the plan's ID; "" means the only unfinished plan.
//
// The errors are the same as for [Run].
func Forget(ctx context.Context, config Config, id string) (*onward.Applied, error) {
	return withPlanToUndo(ctx, config, id, func(t *Target) error {
		dropped, err := t.undoBrokenTriggers(ctx)
		if err != nil {
			return err
		}
		left := strings.Join(t.reportLeftoverSteps(dropped), ", ")
		return t.completeWork(ctx, &t.record.Plan.Steps[0], func() error {
			return t.record.SetPlanState(ctx, ledger.Abandoned, "plan forgotten", "left: "+left)
		})
	})
}

// undoBrokenTriggers drops the triggers and functions of the plan that use a table or column which the contract drops and which is gone already. A step
// that made nothing besides is undone with them. It returns what is gone.
func (t *Target) undoBrokenTriggers(ctx context.Context) ([]undo.Object, error) {
	dropped, err := t.findObjects(ctx, undo.ListDropped(t.record.Plan, t.record.IsDone), false)
	if err != nil {
		return nil, err
	}
	list := undo.FindBrokenTriggers(t.record.Plan, dropped, t.record.IsDone)
	return dropped, t.runAttempts(ctx, func() (State, error) {
		return t.attemptNext(ctx, func() *onward.PlanStep {
			if len(list) == 0 {
				return nil
			}
			return list[0].Step
		}, func(s *onward.PlanStep) (out State, err error) {
			if list[0].DropSQL == s.Undo {
				out, err = t.attempt.UndoStep(ctx, s)
			} else {
				out, err = t.attempt.DropTriggers(ctx, s, list[0].DropSQL)
			}
			if err == nil && !out.Waits {
				list = list[1:]
			}
			return out, err
		})
	})
}

// reportLeftoverSteps reports each step that is left in the database, with the statements that would undo it, and returns their IDs. A step that
// renamed what is gone has no undo any more.
func (t *Target) reportLeftoverSteps(dropped []undo.Object) (left []string) {
	for i := range slices.Backward(t.record.Plan.Steps) {
		s := &t.record.Plan.Steps[i]
		sql := t.record.UndoSQL(s)
		if sql == "" {
			continue
		}
		left = append(left, s.ID)
		if lost := undo.FindRenamed(sql, dropped); lost != "" {
			t.record.ReportEvent(run.Warned, s, "is left in the database. Nothing undoes it: "+lost+" is gone")
			continue
		}
		t.record.ReportEvent(run.Warned, s, "is left in the database. This would undo it: "+pgparse.SqueezeSQL(sql))
	}
	return left
}

// refuseIfReplacedMigrationsRan refuses to go on with a plan if a table or column that its contract drops is gone already. It reports what
// is left of the plan.
func (t *Target) refuseIfReplacedMigrationsRan(ctx context.Context) error {
	if t.record.AsWritten || t.record.Undoing || !t.isPlanStarted() {
		return nil
	}
	dropped, err := t.findObjects(ctx, undo.ListDropped(t.record.Plan, t.record.IsDone), false)
	if err != nil {
		return err
	}
	if len(dropped) == 0 {
		return t.restoreMissing(ctx)
	}
	t.reportLeftoverSteps(dropped)
	next := t.forgetCommand()
	return &RefusedError{
		Text: fmt.Sprintf("%s is gone: a migration that the plan replaces ran all the same, or somebody dropped it. The plan cannot go on, and nothing was changed. "+
			"Undo what you do not need of the steps above, and close the plan: %s", dropped[0], next),
		Next: next,
	}
}

// restoreMissing has the steps of indexes that somebody else has dropped run again. A column or a trigger that is gone has let rows go
// out of step, and is refused.
func (t *Target) restoreMissing(ctx context.Context) error {
	return t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		missing, err := underway.FindMissing(ctx, conn, t.session.Path, undo.ListMade(t.record.Plan, t.record.IsDone))
		for _, m := range missing {
			if !m.Index {
				next := underway.AbortCommand(t.record.Row.ID, t.record.Scope.Schema)
				return &RefusedError{Step: m.Step.ID, Next: next, Text: fmt.Sprintf("the %s, which the step has made, is gone: somebody dropped it. "+
					"The plan cannot go on, and nothing was changed. Take the plan back, then apply it again: %s", m, next)}
			}
			delete(t.record.Steps, m.Step.ID)
			t.record.ReportEvent(run.Warned, m.Step, "somebody dropped the "+m.String()+": it is built again")
		}
		return err
	})
}

// forgetCommand returns the command that closes the plan.
func (t *Target) forgetCommand() string {
	return underway.ForgetCommand(t.record.Row.ID, t.record.Scope.Schema)
}

// refuseLastCopy refuses an abort that would drop values of which the plan has made a copy, and whose original is gone.
func (t *Target) refuseLastCopy(ctx context.Context) error {
	for _, chain := range undo.ListCopies(t.record.Plan, t.record.IsDone) {
		dropped, err := t.findObjects(ctx, chain.Dropped, false)
		if err != nil {
			return err
		}
		copies, err := t.findObjects(ctx, chain.Filled, true)
		if err != nil {
			return err
		}
		if len(dropped) > 0 && len(copies) > 0 {
			next := t.forgetCommand()
			return &RefusedError{
				Text: fmt.Sprintf("%s is gone: a migration that the plan replaces ran all the same, or somebody dropped it. The undo would drop %s, "+
					"the only copy of its values. Nothing was undone. To close the plan and keep what it made: %s", dropped[0], copies[0], next),
				Next: next,
			}
		}
	}
	return nil
}

// findObjects returns which tables and columns exist, or which do not.
func (t *Target) findObjects(ctx context.Context, list []undo.Object, exist bool) (out []undo.Object, err error) {
	err = t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		out, err = underway.FindObjects(ctx, conn, t.session.Path, list, exist)
		return err
	})
	return out, err
}

// recordMigrationsAtBegin records the migrations of a plan that only contracts: the schema serves the new code already, so their tool must not run them.
// If the tool's table has their rows already, nothing changes.
func (t *Target) recordMigrationsAtBegin(ctx context.Context) error {
	s := t.record.Plan.RecordingStep()
	if s == nil || s.Phase != onward.Contract || t.record.AsWritten || t.record.Undoing || len(t.record.Steps) > 0 {
		return nil
	}
	return t.changeToolRows(ctx, s, s.Record)
}

// unrecordMigrations takes the migrations that the plan has recorded out of their tool's table, before the first undo: from then on the plan is
// being undone. It refuses if a later migration is recorded.
func (t *Target) unrecordMigrations(ctx context.Context) error {
	s := t.record.Plan.RecordingStep()
	if s == nil || s.Unrecord == "" || t.record.Row.State == ledger.Aborting || s.Phase != onward.Contract && !t.record.IsDone(s.ID) {
		return nil
	}
	return t.changeToolRows(ctx, s, s.Unrecord+";\n"+ledger.SetPlanStateSQL(t.record.Row.ID, ledger.Aborting))
}

// changeToolRows runs SQL that changes the table of the migration tool, while the tool is not at work. It tries again while the tool is.
func (t *Target) changeToolRows(ctx context.Context, s *onward.PlanStep, sql string) error {
	writes := *s
	writes.Record = sql
	if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return migrations.RefuseRecordTables(ctx, conn, &writes, t.c.AcceptTriggers)
	}); err != nil {
		return err
	}
	return t.completeWork(ctx, s, func() error {
		lock := t.record.Tries.LockTimeout()
		_, err := t.session.CommitSQL(context.WithoutCancel(ctx), lock, lock+session.UnderLock, t.session.LedgerOwnerSQL()+sql)
		return err
	})
}
