package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// UnfinishedPlan is a plan of a database or of one of its schemas that is not done, with its finished steps.
type UnfinishedPlan struct {
	*Plan
	// Schema is the present name of the plan's schema; "" for a plan of the whole database.
	Schema string
	Done   map[string]bool
}

// ReadUnfinished returns the unfinished plans of the whole database and of these schemas, oldest first, without those that an abort undoes. nil means
// all schemas.
func ReadUnfinished(ctx context.Context, conn Conn, names []string) ([]UnfinishedPlan, error) {
	n, err := versionOf(ctx, conn)
	if n == 0 || err != nil {
		return nil, err
	}
	schemas, present := "(SELECT ''::name AS name, 0 AS schema, NULL::text AS plan WHERE false)", "0"
	if n >= firstSchemas {
		schemas, present = "onward_ledger.schema_plan", "s.schema"
	}
	if n >= firstOrigin {
		same, err := hasOwnNumbers(ctx, conn)
		if err != nil {
			return nil, err
		}
		if !same { // the schemas of a restored database have other numbers
			present = "0"
		}
	}
	chosen, args := "", []any(nil)
	if names != nil && n >= firstSchemas { // a database of many tenants has a plan for each
		args = []any{names}
		chosen = ` AND (NOT EXISTS (SELECT FROM onward_ledger.schema_plan AS s WHERE s.plan = p.id)
			OR id = ANY (ARRAY(SELECT plan FROM onward_ledger.schema_plan WHERE name = ANY ($1)
				OR schema = ANY (ARRAY(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1))))))`
	}
	rows, err := conn.Query(ctx, `SELECT f.*, coalesce(s.name, ''), coalesce(n.nspname, s.name, '')::text,
			ARRAY(SELECT d.id FROM onward_ledger.step AS d WHERE d.plan = f.id AND d.state = 'done')
		FROM (`+planColumns+` WHERE state NOT IN ('done', 'abandoned', 'aborting')`+chosen+`) AS f
		LEFT JOIN `+schemas+` AS s ON s.plan = f.id LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = `+present+` ORDER BY f.began, f.id`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (out UnfinishedPlan, err error) {
		var name string
		var done []string
		if out.Plan, err = scanPlan(row, &name, &out.Schema, &done); err != nil {
			return out, err
		}
		out.Last.Schema, out.Done = name, map[string]bool{}
		for _, id := range done {
			out.Done[id] = true
		}
		return out, nil
	})
}

// IsUnchangedMigration reports whether a plan is an unchanged migration that was not made for a particular schema.
func (p *Plan) IsUnchangedMigration() bool {
	return p.Plan.Catalog == "" && len(p.Plan.Migrations) == 1
}
