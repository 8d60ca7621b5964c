package apply

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

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
