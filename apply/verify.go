package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// Verify compares all rows again that the backfills of unfinished plans have filled: of the plan with this ID, or of all
// for "". It repairs wrong rows if possible. It skips a backfill whose old columns or table are gone already. It returns
// the progress of the plans, and nothing for plans without a comparison.
//
// The errors are the same as for [Run]. Rows that are not right give a [*RefusedError].
func Verify(ctx context.Context, c Config, id string) ([]*onward.Applied, error) {
	return forEachPlan(ctx, settings{Config: c}, id, onward.Backfill, func(ctx context.Context, c settings) (*onward.Applied, error) {
		out, err := withTarget(ctx, c, func(t *Target) error { return t.verifyAll(ctx) })
		if out != nil && err != nil {
			out.Next = "onward backfill --db ADDRESS --verify --plan " + out.Plan
		}
		return out, err
	})
}

func (t *Target) verifyAll(ctx context.Context) error {
	t.onlyVerify = true
	for i := range t.c.Plan.Steps {
		s := &t.c.Plan.Steps[i]
		if s.Backfill != nil && !t.isDone(s.ID) {
			return &RefusedError{Step: s.ID, Text: "this backfill is not done: onward backfill goes on with it, and compares its rows"}
		}
		if t.canCompare(s) {
			if err := t.verifyBackfill(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// canCompare reports whether both sides of a backfill exist: it is done, and no step that depends on its comparison is.
func (t *Target) canCompare(s *onward.PlanStep) bool {
	if s.Backfill == nil || len(s.Backfill.Compare) == 0 || !t.isDone(s.ID) {
		return false
	}
	return !slices.ContainsFunc(t.c.Plan.Steps, func(o onward.PlanStep) bool { return t.isDone(o.ID) && dependsOnComparison(&o, s.ID) })
}

// dependsOnComparison reports whether a step depends on the comparison of a backfill.
func dependsOnComparison(s *onward.PlanStep, backfill string) bool {
	return slices.ContainsFunc(s.Requires, func(r onward.Requirement) bool { return r.Kind == onward.RequiresVerified && r.Step == backfill })
}

func (t *Target) isDone(step string) bool {
	recorded := t.steps[step]
	return recorded != nil && recorded.State == ledger.Done
}

// verifyBackfill compares the rows of one backfill.
func (t *Target) verifyBackfill(ctx context.Context, s *onward.PlanStep) error {
	t.resetTries(s)
	t.tries.started, t.tries.allProcessed = true, true
	guards, err := t.triggerState(ctx, s)
	if err != nil {
		return err
	}
	if _, err := t.beginPass(ctx, s, 1, guards); err != nil {
		return err
	}
	t.reportEvent(Begun, s, "")
	next := func() *onward.PlanStep { return s }
	return t.runAttempts(ctx, func() (State, error) {
		return t.attemptNext(ctx, next, func(s *onward.PlanStep) (State, error) { return t.runBackfill(ctx, s, time.Second) })
	})
}

// requireVerified refuses a step that removes one side of a backfill until one pass over all rows has found them right, with the
// triggers that keep them right unchanged since then. No contract begins before that holds for all backfills.
func (t *Target) requireVerified(ctx context.Context, s *onward.PlanStep) error {
	for i := range t.c.Plan.Steps {
		b, o := &t.c.Plan.Steps[i], s
		if b.Backfill == nil || len(b.Backfill.Compare) == 0 {
			continue
		}
		if j := slices.IndexFunc(t.c.Plan.Steps, func(o onward.PlanStep) bool { return dependsOnComparison(&o, b.ID) }); j >= 0 && s.Phase == onward.Contract {
			o = &t.c.Plan.Steps[j]
		}
		if !dependsOnComparison(o, b.ID) || t.isDone(o.ID) {
			continue
		}
		var v *ledger.Verification
		if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			v, err = ledger.ReadVerification(ctx, conn, t.plan.ID, b.ID)
			return err
		}); err != nil {
			return err
		}
		guards, err := t.triggerState(ctx, b)
		switch {
		case err != nil:
			return err
		case v == nil || v.Clean == nil:
			return &RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("no pass over all rows of %s has found them right since %s was done: onward backfill --verify compares them", b.Backfill.Table, b.ID),
			}
		case v.Guards != guards:
			return &RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("the triggers that keep the rows of %s right were changed since those were compared, on %s: "+
					"onward backfill --verify compares them again", b.Backfill.Table, v.Clean.UTC().Format(time.DateTime)),
			}
		}
	}
	return nil
}
