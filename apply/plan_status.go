package apply

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// PlanStatus is a plan that was started on a database, and its progress.
type PlanStatus struct {
	Plan    *onward.Plan
	Applied *onward.Applied
}

// Status returns the progress of the plans that were started on a database, oldest first, without those for one of its schemas. A database
// without a ledger has none. Status changes nothing.
func Status(ctx context.Context, db string) ([]*onward.Applied, error) {
	list, err := ReadPlans(ctx, db)
	var out []*onward.Applied
	for _, p := range list {
		out = append(out, p.Applied)
	}
	return out, err
}

// ReadPlans returns the plans that were started on a database with their progress, oldest first, without those for one of its schemas. A database
// without a ledger has none. ReadPlans changes nothing.
func ReadPlans(ctx context.Context, db string) ([]PlanStatus, error) {
	return ReadSchemaPlans(ctx, db, "")
}

// ReadSchemaPlans is [ReadPlans] for the plans of one schema.
func ReadSchemaPlans(ctx context.Context, db, schema string) (out []PlanStatus, err error) {
	c := settings{Config: Config{DB: db, Schema: schema}}
	if err := c.useSchemaReadOnly(ctx); err != nil {
		return nil, err
	}
	_, err = progress.WithLedger(ctx, c.DB, func(conn *pgx.Conn) error {
		plans, err := progress.ReadPlans(ctx, conn, c.scope)
		if err != nil {
			return err
		}
		for _, p := range plans {
			steps, err := ledger.ReadSteps(ctx, conn, p.ID)
			if err != nil {
				return err
			}
			damage, err := progress.ReadDamage(ctx, conn, p, steps)
			if err != nil {
				return err
			}
			applied := progress.DescribePlan(p, steps, c.scope, damage)
			if err := progress.AddComparisons(ctx, conn, applied); err != nil {
				return err
			}
			if err := progress.AddTableRows(ctx, conn, p, applied); err != nil {
				return err
			}
			if err := progress.AddFailedRows(ctx, conn, p, applied); err != nil {
				return err
			}
			out = append(out, PlanStatus{Plan: &p.Plan, Applied: applied})
		}
		return nil
	})
	return out, err
}
