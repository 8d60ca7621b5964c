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

// Verify compares once more, from the first row to the last, what the backfills have filled of the plans that are in the
// ledger and not at their end: that with this ID, or all for "". What is wrong and can be mended is. A backfill whose old
// side is gone already is passed over. It gives how far the plans are; where nothing was to compare, none.
//
// The errors are those of [Run]; a [*RefusedError] for rows that are not right.
func Verify(ctx context.Context, c Config, id string) ([]*onward.Applied, error) {
	return each(ctx, c, id, onward.Backfill, func(ctx context.Context, c Config) (*onward.Applied, error) {
		out, err := opened(ctx, c, func(t *Target) error { return t.verifyAll(ctx) })
		if out != nil && err != nil {
			out.Next = "onward backfill --db ADDRESS --verify --plan " + out.Plan
		}
		return out, err
	})
}

func (t *Target) verifyAll(ctx context.Context) error {
	t.again = true
	for i := range t.c.Plan.Steps {
		s := &t.c.Plan.Steps[i]
		if s.Backfill != nil && !t.done(s.ID) {
			return &RefusedError{Step: s.ID, Text: "this backfill is not done: onward backfill goes on with it, and compares its rows"}
		}
		if t.comparable(s) {
			if err := t.verify(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// comparable reports whether both sides of a backfill are there: it is done, and no step that counts on its comparison is.
func (t *Target) comparable(s *onward.PlanStep) bool {
	if s.Backfill == nil || len(s.Backfill.Compare) == 0 || !t.done(s.ID) {
		return false
	}
	return !slices.ContainsFunc(t.c.Plan.Steps, func(o onward.PlanStep) bool { return t.done(o.ID) && counts(&o, s.ID) })
}

// counts reports whether a step counts on the comparison of a backfill.
func counts(s *onward.PlanStep, backfill string) bool {
	return slices.ContainsFunc(s.Requires, func(r onward.Requirement) bool { return r.Kind == onward.RequiresVerified && r.Step == backfill })
}

func (t *Target) done(step string) bool {
	is := t.steps[step]
	return is != nil && is.State == ledger.Done
}

// verify compares the rows of one backfill.
func (t *Target) verify(ctx context.Context, s *onward.PlanStep) error {
	t.begins(s)
	t.tries.begun, t.tries.through = true, true
	guards, err := t.guards(ctx, s)
	if err != nil {
		return err
	}
	if _, err := t.pass(ctx, s, 1, guards); err != nil {
		return err
	}
	t.tell(Begun, s, "")
	next := func() *onward.PlanStep { return s }
	return t.through(ctx, func() (State, error) {
		return t.turn(ctx, next, func(s *onward.PlanStep) (State, error) { return t.backfill(ctx, s, time.Second) })
	})
}

// verified refuses a step that takes the one side of a backfill away until one pass over all rows has found them right, and
// what keeps them so was not touched since. No contract begins before that is so for all of it.
func (t *Target) verified(ctx context.Context, s *onward.PlanStep) error {
	for i := range t.c.Plan.Steps {
		b, o := &t.c.Plan.Steps[i], s
		if b.Backfill == nil || len(b.Backfill.Compare) == 0 {
			continue
		}
		if j := slices.IndexFunc(t.c.Plan.Steps, func(o onward.PlanStep) bool { return counts(&o, b.ID) }); j >= 0 && s.Phase == onward.Contract {
			o = &t.c.Plan.Steps[j]
		}
		if !counts(o, b.ID) || t.done(o.ID) {
			continue
		}
		var v *ledger.Verification
		if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			v, err = ledger.Verified(ctx, conn, t.plan.ID, b.ID)
			return err
		}); err != nil {
			return err
		}
		guards, err := t.guards(ctx, b)
		switch {
		case err != nil:
			return err
		case v == nil || v.Clean == nil:
			return &RefusedError{Step: s.ID, Text: fmt.Sprintf("no pass over all rows of %s has found them right since %s was done: onward backfill --verify compares them", b.Backfill.Table, b.ID)}
		case v.Guards != guards:
			return &RefusedError{Step: s.ID, Text: fmt.Sprintf("the triggers that keep the rows of %s right were changed since those were compared, on %s: onward backfill --verify compares them again", b.Backfill.Table, v.Clean.UTC().Format(time.DateTime))}
		}
	}
	return nil
}
