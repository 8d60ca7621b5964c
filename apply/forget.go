package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

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
