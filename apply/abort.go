package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/internal/ledger"
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
