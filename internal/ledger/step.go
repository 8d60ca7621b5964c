package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Step is how far a step of a plan is.
type Step struct {
	ID       string
	Checksum string
	State    string
	Attempts int
	// Rows are those that a backfill has passed.
	Rows int64
	// PID and Backend are the session that had it last, and when that began.
	PID     *int
	Backend *time.Time
	Began   time.Time
	Ended   *time.Time
	// Waited is for how long others were in its way.
	Waited time.Duration
	// Note is the last that happened to it.
	Note string
}

// Steps are those of a plan that were begun, by their IDs.
func Steps(ctx context.Context, conn Conn, plan string) (map[string]*Step, error) {
	rows, err := conn.Query(ctx, `SELECT id, checksum, state, attempts, rows, pid, backend, began, ended, extract(epoch FROM waited)::float8, note
		FROM onward_ledger.step WHERE plan = $1`, plan)
	if err != nil {
		return nil, err
	}
	out := map[string]*Step{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (bool, error) {
		s := &Step{}
		var waited float64
		if err := row.Scan(&s.ID, &s.Checksum, &s.State, &s.Attempts, &s.Rows, &s.PID, &s.Backend, &s.Began, &s.Ended, &waited, &s.Note); err != nil {
			return false, err
		}
		s.Waited = time.Duration(waited * float64(time.Second))
		out[s.ID] = s
		return true, nil
	})
	return out, err
}

// Attempt notes that a session tries a step.
func (l *Lease) Attempt(ctx context.Context, conn Conn, plan, id string, number int, checksum string) error {
	_, err := conn.Exec(ctx, `INSERT INTO onward_ledger.step (plan, id, number, checksum, state, attempts, epoch, pid, backend)
		SELECT $1, $2, $3, $4, 'running', 1, $5, pg_backend_pid(), (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
		ON CONFLICT (plan, id) DO UPDATE SET state = 'running', attempts = step.attempts + 1, epoch = excluded.epoch, pid = excluded.pid, backend = excluded.backend`,
		plan, id, number, checksum, l.Epoch)
	return err
}

// Passed notes, in the transaction that passes them, the rows of a batch.
func Passed(ctx context.Context, conn Conn, plan, id string, rows int64) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.step SET rows = rows + $3 WHERE plan = $1 AND id = $2", plan, id, rows)
	return err
}

// Finish notes, in the transaction that does it, that a step is done.
func Finish(ctx context.Context, conn Conn, plan, id string) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.step SET state = 'done', ended = clock_timestamp(), note = '' WHERE plan = $1 AND id = $2", plan, id)
	return err
}

// Hold notes that a step is not done, and why; and for how long others were in its way.
func Hold(ctx context.Context, conn Conn, plan, id, state, note string, waited time.Duration) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.step SET state = $3, note = $4, waited = waited + $5 * interval '1 second' WHERE plan = $1 AND id = $2 AND state <> 'done'",
		plan, id, state, note, waited.Seconds())
	return err
}

// Undone notes, in the transaction that takes it back, that a step is as if it was never begun.
func Undone(ctx context.Context, conn Conn, plan, id string) error {
	_, err := conn.Exec(ctx, `WITH compared AS (DELETE FROM onward_ledger.verification WHERE plan = $1 AND step = $2), passed_over AS (DELETE FROM onward_ledger.quarantine WHERE plan = $1 AND step = $2)
		DELETE FROM onward_ledger.step WHERE plan = $1 AND id = $2`, plan, id)
	return err
}

// Reverted are the steps of a plan that an abort has taken back, as the log has them.
func Reverted(ctx context.Context, conn Conn, plan string) ([]string, error) {
	rows, err := conn.Query(ctx, "SELECT DISTINCT step FROM onward_ledger.log WHERE plan = $1 AND event = 'taken back'", plan)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Entry is a line of the log.
type Entry struct {
	Number int64
	At     time.Time
	Who    string
	Plan   string
	Step   string
	Event  string
	Detail string
}

// Log writes a line.
func Log(ctx context.Context, conn Conn, e *Entry) error {
	_, err := conn.Exec(ctx, "INSERT INTO onward_ledger.log (who, plan, step, event, detail) VALUES ($1, $2, $3, $4, $5)", e.Who, e.Plan, e.Step, e.Event, e.Detail)
	return err
}

// Entries are the last lines of the log, oldest first; of all plans for plan "".
func Entries(ctx context.Context, conn Conn, plan string, most int) ([]Entry, error) {
	rows, err := conn.Query(ctx, `SELECT number, at, who, plan, step, event, detail FROM (
		SELECT * FROM onward_ledger.log WHERE plan = $1 OR $1 = '' ORDER BY number DESC LIMIT $2) AS last ORDER BY number`, plan, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
}

// LastDetail is what the last line of the log says about an event of a plan; "" if there is none.
func LastDetail(ctx context.Context, conn Conn, plan, event string) (detail string, err error) {
	err = conn.QueryRow(ctx, "SELECT detail FROM onward_ledger.log WHERE plan = $1 AND event = $2 ORDER BY number DESC LIMIT 1", plan, event).Scan(&detail)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return detail, err
}
