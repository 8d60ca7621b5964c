package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// Forget closes a plan that is in the ledger: a migration that it replaces has run all the same. It undoes only triggers of the plan that fail each
// write, because their column is gone. It reports each step that is left, with the statements that would undo it. id is the plan's ID; "" means the only
// unfinished plan.
//
// The errors are the same as for [Run].
func Forget(ctx context.Context, config Config, id string) (*onward.Applied, error) {
	return endPlan(ctx, config, id, func(t *Target) error {
		if err := t.undoBrokenTriggers(ctx); err != nil {
			return err
		}
		return t.record.SetPlanState(ctx, ledger.Abandoned, "plan forgotten", "left: "+strings.Join(t.reportLeft(), ", "))
	})
}

// undoBrokenTriggers undoes the steps that made triggers in which each write fails, because a column that the contract drops is gone already.
func (t *Target) undoBrokenTriggers(ctx context.Context) error {
	var gone []undo.Object
	for _, o := range undo.ListDropped(t.record.Plan, t.record.IsDone) {
		missing, err := t.findColumns(ctx, []undo.Object{o}, false)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			gone = append(gone, o)
		}
	}
	return t.runAttempts(ctx, func() (State, error) {
		return t.attemptNext(ctx, func() *onward.PlanStep {
			for i := range slices.Backward(t.record.Plan.Steps) {
				s := &t.record.Plan.Steps[i]
				if t.record.UndoSQL(s) != "" && slices.ContainsFunc(gone, func(o undo.Object) bool { return undo.MakesTriggerOf(s, o) }) {
					return s
				}
			}
			return nil
		}, func(s *onward.PlanStep) (State, error) { return t.attempt.UndoStep(ctx, s) })
	})
}

// reportLeft reports each step that is left in the database, with the statements that would undo it, and returns their IDs.
func (t *Target) reportLeft() (left []string) {
	for i := range slices.Backward(t.record.Plan.Steps) {
		s := &t.record.Plan.Steps[i]
		if sql := t.record.UndoSQL(s); sql != "" {
			left = append(left, s.ID)
			t.record.ReportEvent(run.Warned, s, "is left in the database. This would undo it: "+pgparse.SqueezeSQL(sql))
		}
	}
	return left
}

// refuseReplacedRan refuses to go on with a plan if a table or column that its contract drops is gone already. It reports what is left of the plan.
func (t *Target) refuseReplacedRan(ctx context.Context) error {
	if t.record.AsWritten || t.record.Undoing || !t.isBegun() {
		return nil
	}
	gone, err := t.findColumns(ctx, undo.ListDropped(t.record.Plan, t.record.IsDone), false)
	if err != nil || len(gone) == 0 {
		return err
	}
	t.reportLeft()
	next := t.forgetCommand()
	return &RefusedError{
		Text: fmt.Sprintf("%s is gone: a migration that the plan replaces ran all the same, or somebody dropped it. The plan cannot go on, and nothing was changed. "+
			"Undo what you do not need of the steps above, and close the plan: %s", gone[0], next),
		Next: next,
	}
}

// forgetCommand returns the command that closes the plan.
func (t *Target) forgetCommand() string {
	return underway.AbortCommand(t.record.Row.ID, t.record.Scope.Schema) + " --forget"
}

// refuseLastCopy refuses an abort that would drop values of which the plan has made a copy, and whose original is gone.
func (t *Target) refuseLastCopy(ctx context.Context) error {
	for _, chain := range undo.ListCopies(t.record.Plan, t.record.IsDone) {
		gone, err := t.findColumns(ctx, chain.Dropped, false)
		if err != nil {
			return err
		}
		copies, err := t.findColumns(ctx, chain.Filled, true)
		if err != nil {
			return err
		}
		if len(gone) > 0 && len(copies) > 0 {
			next := t.forgetCommand()
			return &RefusedError{
				Text: fmt.Sprintf("%s is gone: a migration that the plan replaces ran all the same, or somebody dropped it. The undo would drop %s, "+
					"the only copy of its values. Nothing was undone. To close the plan and keep what it made: %s", gone[0], copies[0], next),
				Next: next,
			}
		}
	}
	return nil
}

// findColumns returns the tables and columns that exist, or the ones that do not.
func (t *Target) findColumns(ctx context.Context, list []undo.Object, exist bool) (out []string, err error) {
	err = t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for _, o := range list {
			ids, err := live.FindRelationsIn(ctx, conn, t.session.Path, o.QuotedTable())
			if err != nil {
				return err
			}
			there := ids[0] != 0
			if there && o.Column != "" {
				if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = $1::oid AND attname = $2 AND NOT attisdropped)", ids[0],
					o.Column).Scan(&there); err != nil {
					return err
				}
			}
			if there == exist {
				out = append(out, o.String())
			}
		}
		return nil
	})
	return out, err
}
