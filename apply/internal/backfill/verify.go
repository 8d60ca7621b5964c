package backfill

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// CanCompare reports whether both sides of a backfill exist: it is done, and no step that depends on its comparison is.
func (fill *Backfill) CanCompare(s *onward.PlanStep) bool {
	if s.Backfill == nil || len(s.Backfill.Compare) == 0 || !fill.record.IsDone(s.ID) {
		return false
	}
	return !slices.ContainsFunc(fill.record.Plan.Steps, func(o onward.PlanStep) bool {
		return fill.record.IsDone(o.ID) && progress.DependsOnComparison(&o, s.ID)
	})
}

// RequireVerified refuses a step that removes one side of a backfill until one pass over all rows has found them right, with the
// triggers that keep them right unchanged since then. No contract begins before that holds for all backfills. The result are the triggers
// on which this step relies.
func (fill *Backfill) RequireVerified(ctx context.Context, s *onward.PlanStep) (out []session.TriggerGuard, err error) {
	for i := range fill.record.Plan.Steps {
		b, o := &fill.record.Plan.Steps[i], s
		if b.Backfill == nil || len(b.Backfill.Compare) == 0 {
			continue
		}
		depends := func(o onward.PlanStep) bool { return progress.DependsOnComparison(&o, b.ID) }
		if j := slices.IndexFunc(fill.record.Plan.Steps, depends); j >= 0 && s.Phase == onward.Contract {
			o = &fill.record.Plan.Steps[j]
		}
		if !progress.DependsOnComparison(o, b.ID) || fill.record.IsDone(o.ID) {
			continue
		}
		var v *ledger.Verification
		if err := fill.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			v, err = ledger.ReadVerification(ctx, conn, fill.record.Row.ID, b.ID)
			return err
		}); err != nil {
			return nil, err
		}
		guard, err := fill.readTriggers(ctx, b)
		switch {
		case err != nil:
			return nil, err
		case v == nil || v.Clean == nil:
			return nil, &run.RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("no pass over all rows of %s has found them right since %s was done: onward backfill --verify compares them", b.Backfill.Table, b.ID),
			}
		case v.Guards != guard.State:
			return nil, &run.RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("the triggers that keep the rows of %s right were changed since those were compared, on %s: "+
					"onward backfill --verify compares them again", b.Backfill.Table, v.Clean.UTC().Format(time.DateTime)),
			}
		}
		if o == s && guard.Query != "" {
			out = append(out, guard)
		}
	}
	return out, nil
}
