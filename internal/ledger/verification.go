package ledger

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Verification is how far the rows of a backfill are compared. A pass goes along all of them; where it had to mend
// some, another one follows.
type Verification struct {
	// Pass counts from 1, Part is which of the backfill's comparisons is under way.
	Pass, Part int
	// Cursor is the key of the last row that was compared, as text; nil before the first. It has values: it is
	// for the database alone.
	Cursor []string
	// Rows were compared by this pass, Wrong of them are not what they are to be, and Mended were made so.
	Rows, Wrong, Mended int64
	// Guards tells the state of the triggers that keep both sides alike when the pass began.
	Guards string
	Began  time.Time
	// Clean is when a pass came to its end that found every row right; nil for not yet.
	Clean *time.Time
}

// Verified is how far the rows of a backfill are compared; nil for not begun.
func Verified(ctx context.Context, conn Conn, plan, step string) (*Verification, error) {
	v := &Verification{}
	err := conn.QueryRow(ctx, "SELECT pass, part, cursor, rows, wrong, mended, guards, began, clean FROM onward_ledger.verification WHERE plan = $1 AND step = $2", plan, step).
		Scan(&v.Pass, &v.Part, &v.Cursor, &v.Rows, &v.Wrong, &v.Mended, &v.Guards, &v.Began, &v.Clean)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return v, err
}

// Verifications are those of a plan, by the IDs of the steps.
func Verifications(ctx context.Context, conn Conn, plan string) (map[string]*Verification, error) {
	if n, err := versionOf(ctx, conn); err != nil || n < 2 {
		return nil, err
	}
	rows, err := conn.Query(ctx, "SELECT step, pass, part, rows, wrong, mended, guards, began, clean FROM onward_ledger.verification WHERE plan = $1", plan)
	if err != nil {
		return nil, err
	}
	out := map[string]*Verification{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (bool, error) {
		v, step := &Verification{}, ""
		err := row.Scan(&step, &v.Pass, &v.Part, &v.Rows, &v.Wrong, &v.Mended, &v.Guards, &v.Began, &v.Clean)
		out[step] = v
		return true, err
	})
	return out, err
}

// Verify begins a pass anew: from the first row on.
func Verify(ctx context.Context, conn Conn, plan, step string, pass int, guards string) error {
	_, err := conn.Exec(ctx, `INSERT INTO onward_ledger.verification (plan, step, pass, guards) VALUES ($1, $2, $3, $4)
		ON CONFLICT (plan, step) DO UPDATE SET pass = excluded.pass, part = 0, cursor = NULL, rows = 0, wrong = 0, mended = 0, guards = excluded.guards, began = clock_timestamp(), clean = NULL`,
		plan, step, pass, guards)
	return err
}

// Compared notes how far a pass is.
func (v *Verification) Compared(ctx context.Context, conn Conn, plan, step string) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.verification SET part = $3, cursor = $4, rows = $5, wrong = $6, mended = $7 WHERE plan = $1 AND step = $2",
		plan, step, v.Part, v.Cursor, v.Rows, v.Wrong, v.Mended)
	return err
}

// Clean notes that a pass found every row right.
func Clean(ctx context.Context, conn Conn, plan, step string) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.verification SET cursor = NULL, clean = clock_timestamp() WHERE plan = $1 AND step = $2", plan, step)
	return err
}

// Quarantined is a row that a backfill has passed over, because its change fails by what is in it.
type Quarantined struct {
	ID int64
	// Key tells the row, as text. It is for the database alone.
	Key []string
	// Code is the SQLSTATE with which it failed.
	Code string
}

// Quarantine notes, in the transaction that passes over it, a row that cannot be changed. What the server said stays in
// the database: it may have values.
func Quarantine(ctx context.Context, conn Conn, plan, step string, key []string, code, message string) error {
	_, err := conn.Exec(ctx, "INSERT INTO onward_ledger.quarantine (plan, step, key, code, message) VALUES ($1, $2, $3, $4, $5)", plan, step, key, code, message)
	return err
}

// InQuarantine are the rows of a backfill that are there, first come first.
func InQuarantine(ctx context.Context, conn Conn, plan, step string) ([]Quarantined, error) {
	rows, err := conn.Query(ctx, "SELECT id, key, code FROM onward_ledger.quarantine WHERE plan = $1 AND step = $2 ORDER BY id", plan, step)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Quarantined])
}

// Pardon notes, in the transaction that changes it, that a row is in quarantine no more.
func Pardon(ctx context.Context, conn Conn, id int64) error {
	_, err := conn.Exec(ctx, "DELETE FROM onward_ledger.quarantine WHERE id = $1", id)
	return err
}

// Quarantines is how many rows of a plan's backfills are in quarantine, by the IDs of the steps.
func Quarantines(ctx context.Context, conn Conn, plan string) (map[string]int64, error) {
	if n, err := versionOf(ctx, conn); err != nil || n < 2 {
		return nil, err
	}
	rows, err := conn.Query(ctx, "SELECT step, count(*) FROM onward_ledger.quarantine WHERE plan = $1 GROUP BY step", plan)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (bool, error) {
		var step string
		var count int64
		err := row.Scan(&step, &count)
		out[step] = count
		return true, err
	})
	return out, err
}
