package underway

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/onward"
)

// judgePlans says for each plan which code may be deployed now. Schemas that have the same plan are judged together.
func judgePlans(ctx context.Context, conn *pgx.Conn, plans []ledger.UnfinishedPlan) (out []onward.Readiness, err error) {
	var keys []string
	targets := map[string][]readiness.Target{}
	first := map[string]*ledger.Plan{}
	for i := range plans {
		p := &plans[i]
		judged, err := judgePlan(ctx, conn, p)
		if err != nil {
			return nil, err
		}
		if first[p.Key] == nil {
			keys, first[p.Key] = append(keys, p.Key), p.Plan
		}
		targets[p.Key] = append(targets[p.Key], readiness.Target{Name: p.Schema, Readiness: judged})
	}
	for _, key := range keys {
		p, judged, place := first[key], readiness.JudgeEach(targets[key], "schema"), "on the database"
		switch n := len(targets[key]); {
		case n > 1:
			place = "in " + prose.CountNoun(n, "schema")
		case targets[key][0].Name != "":
			place = "in the schema " + targets[key][0].Name
		}
		judged.UnderWay = true
		judged.Text = fmt.Sprintf("Plan %s (%s → %s) is under way %s: %s", p.ID, p.Plan.Base, p.Plan.Head, place, judged.Text)
		out = append(out, *judged)
	}
	return out, nil
}

// PlanTarget is a plan of the ledger of a database, or of one of its schemas.
type PlanTarget struct {
	*ledger.Plan
	// Schema is "" for a plan of the whole database.
	Schema, Key string
	Readiness   *onward.Readiness
}

// ReadPlanTargets returns the plans with these keys with which code may be deployed now, also of those that are finished.
func ReadPlanTargets(ctx context.Context, conn *pgx.Conn, keys []string) (out []PlanTarget, err error) {
	exists, err := ledger.HasLedger(ctx, conn)
	if err != nil || !exists {
		return nil, err
	}
	plans, err := ledger.ReadByKey(ctx, conn, keys)
	if err != nil {
		return nil, err
	}
	for i := range plans {
		judged, err := judgePlan(ctx, conn, &plans[i])
		if err != nil {
			return nil, err
		}
		out = append(out, PlanTarget{plans[i].Plan, plans[i].Schema, plans[i].Key, judged})
	}
	return out, nil
}

// ListPlanUses returns the plans that were begun on a database or in one of its schemas.
func ListPlanUses(ctx context.Context, conn *pgx.Conn) ([]ledger.PlanUse, error) {
	exists, err := ledger.HasLedger(ctx, conn)
	if err != nil || !exists {
		return nil, err
	}
	return ledger.ListPlanUses(ctx, conn)
}

// judgePlan says for a plan which code may be deployed now. It does not look for losses under the former name of the plan's schema.
func judgePlan(ctx context.Context, conn *pgx.Conn, p *ledger.UnfinishedPlan) (*onward.Readiness, error) {
	isDone := func(step string) bool { return p.Done[step] }
	var damage readiness.Damage
	if len(p.Done) > 0 && p.Schema == p.Last.Schema && p.State != ledger.Done {
		var err error
		if damage, err = ReadDamage(ctx, conn, p.Plan, isDone); err != nil {
			return nil, err
		}
	}
	return readiness.JudgeApplied(&p.Plan.Plan, p.ID, onward.ApplyState(p.State), damage, isDone), nil
}
