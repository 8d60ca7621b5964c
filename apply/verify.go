package apply

import (
	"context"
	"time"

	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

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
