package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// The states of plans and steps.
const (
	Running   = "running"
	Waiting   = "waiting"
	Done      = "done"
	Failed    = "failed"
	Abandoned = "abandoned"
	// Aborting: a plan's steps are being undone.
	Aborting = "aborting"
)

// Plan is a plan that was started.
type Plan struct {
	ID string
	// Name is the user's name for it.
	Name string
	onward.Plan
	// Path and Role are the search_path and the role that its steps run with.
	Path, Role string
	State      string
	Began      time.Time
	Ended      *time.Time
	// Begun is the schema in which the plan was started, and Last the schema of its last run; both are empty for a plan of the whole database.
	Begun, Last Scope
}

// RecordPlan records a plan, in one transaction of the caller. An existing row stays as it is.
func (s Scope) RecordPlan(ctx context.Context, conn Conn, p *Plan) error {
	text, err := json.Marshal(p.Plan)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `INSERT INTO onward_ledger.plan (id, name, plan, search_path, role, state) VALUES ($1, $2, $3::jsonb, $4, $5, $6) ON CONFLICT DO NOTHING`,
		p.ID, p.Name, string(text), p.Path, p.Role, Running)
	if err != nil {
		return err
	}
	if err := writeUnderWayComment(ctx, conn); err != nil {
		return err
	}
	return s.recordScope(ctx, conn, p.ID)
}

// mostListedPlans is up to how many unfinished plans [writeUnderWayComment] lists their migrations: it reads all of them when one begins or ends.
const mostListedPlans = 50

// writeUnderWayComment writes whether a plan is under way into the comment of the table of plans, and which migrations such plans replace. A guard
// statement reads it there if its role may not read the ledger. The lock makes it wait for plans that begin or end at the same
// time.
func writeUnderWayComment(ctx context.Context, conn Conn) error {
	_, err := conn.Exec(ctx, `DO $onward$
DECLARE
  wanted text;
BEGIN
  LOCK TABLE onward_ledger.plan IN SHARE UPDATE EXCLUSIVE MODE;
  IF EXISTS (SELECT FROM onward_ledger.plan WHERE state NOT IN ('done', 'abandoned') AND plan ->> 'catalog' <> '') THEN
    wanted := '`+script.UnderWay+`';
    IF (SELECT pg_catalog.count(*) FROM onward_ledger.plan WHERE state NOT IN ('done', 'abandoned')) <= `+strconv.Itoa(mostListedPlans)+` THEN
      wanted := pg_catalog.concat(wanted, (SELECT pg_catalog.string_agg(DISTINCT pg_catalog.chr(10) || (m #>> '{}'), '')
        FROM onward_ledger.plan AS p, pg_catalog.jsonb_path_query(p.plan, '$.migrations[*].path') AS m
        WHERE p.state NOT IN ('done', 'abandoned') AND p.plan ->> 'catalog' <> ''));
    END IF;
  END IF;
  IF wanted IS DISTINCT FROM pg_catalog.obj_description('onward_ledger.plan'::pg_catalog.regclass, 'pg_class') THEN
    EXECUTE pg_catalog.format('COMMENT ON TABLE onward_ledger.plan IS %L', wanted);
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  NULL; -- a role that may use another role's ledger
END
$onward$`)
	return err
}

const planColumns = "SELECT id, p.name, p.plan::text, search_path, role, state, began, ended FROM onward_ledger.plan AS p"

func scanPlan(row pgx.Row, more ...any) (*Plan, error) {
	p := &Plan{}
	var text string
	if err := row.Scan(append([]any{&p.ID, &p.Name, &text, &p.Path, &p.Role, &p.State, &p.Began, &p.Ended}, more...)...); err != nil {
		return nil, err
	}
	return p, json.Unmarshal([]byte(text), &p.Plan)
}

// SetPlanState records the end of a plan, or that it goes on, and reports whether that is new.
func SetPlanState(ctx context.Context, conn Conn, id, state string) (isNew bool, err error) {
	tag, err := conn.Exec(ctx, "UPDATE onward_ledger.plan SET state = $2, ended = CASE WHEN $2 IN ('done', 'abandoned') THEN clock_timestamp() END "+
		"WHERE id = $1 AND state <> $2", id, state)
	if err == nil && (state == Done || state == Abandoned) {
		err = writeUnderWayComment(ctx, conn)
	}
	return tag.RowsAffected() > 0, err
}

// SetPlanStateSQL returns the statement of [SetPlanState] for a plan that goes on.
func SetPlanStateSQL(id, state string) string {
	return "UPDATE onward_ledger.plan SET state = " + pgparse.QuoteLiteral(state) + " WHERE id = " + pgparse.QuoteLiteral(id) + ";\n"
}

// ReopenPlan restarts a finished plan whose effects somebody else has reverted: none of its steps is done
// any more. It does nothing if the plan was restarted since p was read.
func ReopenPlan(ctx context.Context, conn *pgx.Conn, p *Plan) error {
	_, err := conn.Exec(ctx, `WITH again AS (
			UPDATE onward_ledger.plan SET state = 'running', began = clock_timestamp(), ended = NULL WHERE id = $1 AND state = 'done' AND ended = $2 RETURNING id)
		DELETE FROM onward_ledger.step WHERE plan IN (SELECT id FROM again)`, p.ID, p.Ended)
	if err != nil {
		return err
	}
	return writeUnderWayComment(ctx, conn)
}

// DeletePlan deletes a plan without a started step. Its log entries stay.
func DeletePlan(ctx context.Context, conn Conn, id string) error {
	_, err := conn.Exec(ctx, `WITH unused AS (SELECT id FROM onward_ledger.plan WHERE id = $1 AND NOT EXISTS (SELECT FROM onward_ledger.step WHERE plan = $1)),
			wanted AS (DELETE FROM onward_ledger.control WHERE plan IN (SELECT id FROM unused))
		DELETE FROM onward_ledger.plan WHERE id IN (SELECT id FROM unused)`, id)
	if err != nil {
		return err
	}
	return writeUnderWayComment(ctx, conn)
}

// DeleteUndone deletes a plan that was undone, with what the ledger keeps about it, so that the same plan may begin again. Its log entries stay.
func DeleteUndone(ctx context.Context, conn Conn, id string) error {
	_, err := conn.Exec(ctx, `WITH undone AS (SELECT id FROM onward_ledger.plan WHERE id = $1 AND state = 'abandoned'
				AND NOT EXISTS (SELECT FROM onward_ledger.step WHERE plan = $1)),
			wanted AS (DELETE FROM onward_ledger.control WHERE plan IN (SELECT id FROM undone)),
			compared AS (DELETE FROM onward_ledger.verification WHERE plan IN (SELECT id FROM undone)),
			skipped AS (DELETE FROM onward_ledger.quarantine WHERE plan IN (SELECT id FROM undone))
		DELETE FROM onward_ledger.plan WHERE id IN (SELECT id FROM undone)`, id)
	return err
}

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
	rows, _ := conn.Query(ctx, "SELECT "+planKeyExpression("plan")+`, bool_or(state NOT IN ('done', 'abandoned')), max(began) FROM onward_ledger.plan
		WHERE plan ->> 'catalog' <> '' GROUP BY 1`)
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
	rows, _ := conn.Query(ctx, `SELECT f.*, coalesce(s.name, ''), coalesce(n.nspname, s.name, '')::text,
			ARRAY(SELECT d.id FROM onward_ledger.step AS d WHERE d.plan = f.id AND d.state = 'done'), `+planKeyExpression("f.plan::jsonb")+`
		FROM (`+planColumns+` WHERE `+condition+`) AS f
		LEFT JOIN `+schemas+` AS s ON s.plan = f.id LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = `+present+` ORDER BY f.began, f.id`, args...)
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
