package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// States of a [Control].
const (
	Paused    = "paused"
	Cancelled = "cancelled"
)

// Control is a command from another terminal to the backfills of a plan. It is read before each batch.
type Control struct {
	// State is Paused, Cancelled or "".
	State string
	// Rows is the maximum number of rows of a batch, Batch its target duration; 0 for the default.
	Rows  int
	Batch time.Duration
	// Rest is the pause after a batch, as a fraction of the batch's duration; below 0 for the default.
	Rest float64
	// Who sent the command.
	Who string
}

// ReadControl reads the command for the backfills of a plan.
func ReadControl(ctx context.Context, conn Conn, plan string) (Control, error) {
	c := Control{Rest: -1}
	var batch float64
	err := conn.QueryRow(ctx, "SELECT state, rows, extract(epoch FROM batch)::float8, rest, who FROM onward_ledger.control WHERE plan = $1", plan).
		Scan(&c.State, &c.Rows, &batch, &c.Rest, &c.Who)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, nil
	}
	c.Batch = time.Duration(batch * float64(time.Second))
	return c, err
}

// StoreControl stores a command for the backfills of a plan.
func StoreControl(ctx context.Context, conn Conn, plan string, c Control) error {
	_, err := conn.Exec(ctx, `INSERT INTO onward_ledger.control (plan, state, rows, batch, rest, who) VALUES ($1, $2, $3, $4 * interval '1 second', $5, $6)
		ON CONFLICT (plan) DO UPDATE SET state = excluded.state, rows = excluded.rows, batch = excluded.batch, rest = excluded.rest, who = excluded.who, at = clock_timestamp()`,
		plan, c.State, c.Rows, c.Batch.Seconds(), c.Rest, c.Who)
	return err
}

// ClearCancel clears a cancel: it is meant for the processes that were running.
func ClearCancel(ctx context.Context, conn Conn, plan string) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.control SET state = '' WHERE plan = $1 AND state = 'cancelled'", plan)
	return err
}
