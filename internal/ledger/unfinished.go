package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// UnfinishedPlan is a plan of a database or of one of its schemas, with its finished steps. [ReadByKey] returns also finished plans.
type UnfinishedPlan struct {
	*Plan
	// Schema is the present name of the plan's schema; "" for a plan of the whole database.
	Schema string
	Done   map[string]bool
	// Key is the same for the plans of one release in many schemas, whose steps name their schema.
	Key string
}

// ReadUnfinished returns the unfinished plans of the whole database and of these schemas, oldest first, including plans that an abort is
// undoing. nil means all schemas.
func ReadUnfinished(ctx context.Context, conn Conn, names []string) ([]UnfinishedPlan, error) {
	return readMatchingPlans(ctx, conn, "state NOT IN ('done', 'abandoned')", nil, names)
}

// ReadByKey returns the plans with these keys of the whole database and of all schemas, in each state.
func ReadByKey(ctx context.Context, conn Conn, keys []string) ([]UnfinishedPlan, error) {
	return readMatchingPlans(ctx, conn, planKeyExpression("p.plan")+" = ANY ($1)", []any{keys}, nil)
}

// planKeyExpression returns the expression of [UnfinishedPlan.Key] for the plan in a column.
func planKeyExpression(column string) string {
	return "pg_catalog.md5(pg_catalog.concat_ws(' ', " + column + " ->> 'base', " + column + " ->> 'head', " + column + " ->> 'migrations', " +
		"pg_catalog.jsonb_path_query_array(" + column + ", '$.steps[*].id')))"
}

// PlanUse is a plan, by its key, that was begun on a database or in some of its schemas.
type PlanUse struct {
	Key string
	// Open: it is unfinished somewhere. Began is when it began last.
	Open  bool
	Began time.Time
}

// ListPlanUses returns the plans of a database. Migrations that run unchanged are left out.
func ListPlanUses(ctx context.Context, conn Conn) ([]PlanUse, error) {
	rows, err := conn.Query(ctx, "SELECT "+planKeyExpression("plan")+`, bool_or(state NOT IN ('done', 'abandoned')), max(began) FROM onward_ledger.plan
		WHERE plan ->> 'catalog' <> '' GROUP BY 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PlanUse])
}

// readMatchingPlans returns the plans of the whole database and of these schemas that match a condition, oldest first.
func readMatchingPlans(ctx context.Context, conn Conn, condition string, args []any, names []string) ([]UnfinishedPlan, error) {
	n, err := readVersion(ctx, conn)
	if n == 0 || err != nil {
		return nil, err
	}
	schemas, present := "(SELECT ''::name AS name, 0 AS schema, NULL::text AS plan WHERE false)", "0"
	if n >= firstSchemas {
		schemas, present = "onward_ledger.schema_plan", "s.schema"
	}
	if n >= firstOrigin {
		isOrigin, err := isOriginDatabase(ctx, conn)
		if err != nil {
			return nil, err
		}
		if !isOrigin { // the schemas of a restored database have other numbers
			present = "0"
		}
	}
	if names != nil && n >= firstSchemas { // a database of many tenants has a plan for each
		args = append(args, names)
		condition += fmt.Sprintf(` AND (NOT EXISTS (SELECT FROM onward_ledger.schema_plan AS s WHERE s.plan = p.id)
			OR id = ANY (ARRAY(SELECT plan FROM onward_ledger.schema_plan WHERE name = ANY ($%[1]d)
				OR schema = ANY (ARRAY(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ANY ($%[1]d))))))`, len(args))
	}
	rows, err := conn.Query(ctx, `SELECT f.*, coalesce(s.name, ''), coalesce(n.nspname, s.name, '')::text,
			ARRAY(SELECT d.id FROM onward_ledger.step AS d WHERE d.plan = f.id AND d.state = 'done'), `+planKeyExpression("f.plan::jsonb")+`
		FROM (`+planColumns+` WHERE `+condition+`) AS f
		LEFT JOIN `+schemas+` AS s ON s.plan = f.id LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = `+present+` ORDER BY f.began, f.id`, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (out UnfinishedPlan, err error) {
		var name string
		var done []string
		if out.Plan, err = scanPlan(row, &name, &out.Schema, &done, &out.Key); err != nil {
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
