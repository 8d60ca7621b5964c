package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// The states of plans and steps.
const (
	Running   = "running"
	Waiting   = "waiting"
	Done      = "done"
	Failed    = "failed"
	Abandoned = "abandoned"
	// Aborting: a plan's steps are being taken back.
	Aborting = "aborting"
)

// Plan is one that was begun.
type Plan struct {
	ID string
	// Name is what the user calls it.
	Name string
	onward.Plan
	// Path and Role are the search_path and the role that its steps run with.
	Path, Role string
	State      string
	Began      time.Time
	Ended      *time.Time
}

// Begin notes a plan. One that is there already stays as it is.
func Begin(ctx context.Context, conn Conn, p *Plan) error {
	text, err := json.Marshal(p.Plan)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `INSERT INTO onward_ledger.plan (id, name, plan, search_path, role, state) VALUES ($1, $2, $3::jsonb, $4, $5, $6) ON CONFLICT DO NOTHING`,
		p.ID, p.Name, string(text), p.Path, p.Role, Running)
	return err
}

const planColumns = "SELECT id, name, plan::text, search_path, role, state, began, ended FROM onward_ledger.plan"

// Find is a plan by its ID; nil for one that was never begun.
func Find(ctx context.Context, conn Conn, id string) (*Plan, error) {
	p, err := scanPlan(conn.QueryRow(ctx, planColumns+" WHERE id = $1", id))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return p, err
}

// Plans are all that were begun, oldest first.
func Plans(ctx context.Context, conn Conn) ([]*Plan, error) {
	rows, err := conn.Query(ctx, planColumns+" ORDER BY began, id")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Plan, error) { return scanPlan(row) })
}

func scanPlan(row pgx.Row) (*Plan, error) {
	p := &Plan{}
	var text string
	if err := row.Scan(&p.ID, &p.Name, &text, &p.Path, &p.Role, &p.State, &p.Began, &p.Ended); err != nil {
		return nil, err
	}
	return p, json.Unmarshal([]byte(text), &p.Plan)
}

// End notes how a plan ended, or that it goes on.
func End(ctx context.Context, conn Conn, id, state string) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.plan SET state = $2, ended = CASE WHEN $2 IN ('done', 'abandoned') THEN clock_timestamp() END WHERE id = $1", id, state)
	return err
}

// Reopen has a plan that was done begin anew, because somebody else took back what it did: none of its
// steps is done any more. It does nothing where the plan is not the one that ended then.
func Reopen(ctx context.Context, conn *pgx.Conn, p *Plan) error {
	_, err := conn.Exec(ctx, `WITH again AS (
			UPDATE onward_ledger.plan SET state = 'running', began = clock_timestamp(), ended = NULL WHERE id = $1 AND state = 'done' AND ended = $2 RETURNING id)
		DELETE FROM onward_ledger.step WHERE plan IN (SELECT id FROM again)`, p.ID, p.Ended)
	return err
}

// Forget deletes a plan of which no step was begun. The log keeps what was written of it.
func Forget(ctx context.Context, conn Conn, id string) error {
	_, err := conn.Exec(ctx, `WITH unused AS (SELECT id FROM onward_ledger.plan WHERE id = $1 AND NOT EXISTS (SELECT FROM onward_ledger.step WHERE plan = $1)),
			wanted AS (DELETE FROM onward_ledger.control WHERE plan IN (SELECT id FROM unused))
		DELETE FROM onward_ledger.plan WHERE id IN (SELECT id FROM unused)`, id)
	return err
}
