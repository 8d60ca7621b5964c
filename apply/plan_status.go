package apply

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

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
	c := Config{DB: db, Schema: schema}
	if err := c.useReadSchema(ctx); err != nil {
		return nil, err
	}
	_, err = withLedger(ctx, c.DB, func(conn *pgx.Conn) error {
		plans, err := c.scope.ReadPlans(ctx, conn)
		if err != nil {
			return err
		}
		for _, p := range plans {
			steps, err := ledger.ReadSteps(ctx, conn, p.ID)
			if err != nil {
				return err
			}
			progress := describePlan(p, steps)
			if err := addComparisons(ctx, conn, progress); err != nil {
				return err
			}
			if err := addTableRows(ctx, conn, &p.Plan, progress); err != nil {
				return err
			}
			if err := addFailedRows(ctx, conn, p, progress); err != nil {
				return err
			}
			out = append(out, PlanStatus{Plan: &p.Plan, Applied: progress})
		}
		return nil
	})
	return out, err
}

// useReadSchema is [Config.useSchema] for a command that runs no step: a schema that cannot be used is wrong input.
func (c *Config) useReadSchema(ctx context.Context) error {
	err := c.useSchema(ctx)
	if refused := new(RefusedError); errors.As(err, &refused) {
		return inputError(refused.Text)
	}
	return err
}

// addTableRows adds how many rows the tables of started backfills have, by the planner's estimate. It locks no table.
func addTableRows(ctx context.Context, conn ledger.Conn, p *onward.Plan, out *onward.Applied) error {
	for i := range out.Steps {
		s := &out.Steps[i]
		backfill := p.Steps[i].Backfill
		if backfill == nil || s.State == onward.ApplyDone || s.State == onward.ApplyPending {
			continue
		}
		const rows = "SELECT coalesce(max(greatest(reltuples, 0)), 0)::bigint FROM pg_class WHERE oid = to_regclass($1)"
		if err := conn.QueryRow(ctx, rows, backfill.Table).Scan(&s.Of); err != nil {
			return err
		}
	}
	return nil
}
