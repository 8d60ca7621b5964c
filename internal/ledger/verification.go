package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	relation "github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Verification is the progress of comparing the rows of a backfill. A pass covers all rows. If it had to repair
// some, another pass follows.
type Verification struct {
	// Pass counts from 1. Part is the index of the backfill's current comparison.
	Pass, Part int
	// Cursor is the key of the last compared row, as text; nil before the first. It has user data, so it is only
	// sent to the database.
	Cursor []string
	// Rows were compared by this pass. Wrong of them did not have their expected values, and Mended were repaired.
	Rows, Wrong, Mended int64
	// Guards is the state, at the beginning of the pass, of the triggers that keep the old and the new data equal.
	Guards string
	Began  time.Time
	// Clean is the end of a pass that found every row right; nil for not yet.
	Clean *time.Time
}

// ReadVerification returns the progress of a backfill's comparison; nil if it has not begun.
func ReadVerification(ctx context.Context, conn Conn, plan, step string) (*Verification, error) {
	v := &Verification{}
	err := conn.QueryRow(ctx, "SELECT pass, part, cursor, rows, wrong, mended, guards, began, clean FROM onward_ledger.verification WHERE plan = $1 AND step = "+
		"$2", plan, step).
		Scan(&v.Pass, &v.Part, &v.Cursor, &v.Rows, &v.Wrong, &v.Mended, &v.Guards, &v.Began, &v.Clean)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return v, err
}

// ReadVerifications returns the progress for all backfills of a plan, by step ID.
func ReadVerifications(ctx context.Context, conn Conn, plan string) (map[string]*Verification, error) {
	if n, err := readVersion(ctx, conn); err != nil || n < 2 {
		return nil, err
	}
	rows, _ := conn.Query(ctx, "SELECT step, pass, part, rows, wrong, mended, guards, began, clean FROM onward_ledger.verification WHERE plan = $1", plan)
	out := map[string]*Verification{}
	_, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (bool, error) {
		v, step := &Verification{}, ""
		err := row.Scan(&step, &v.Pass, &v.Part, &v.Rows, &v.Wrong, &v.Mended, &v.Guards, &v.Began, &v.Clean)
		out[step] = v
		return true, err
	})
	return out, err
}

// BeginPass begins a new pass at the first row.
func BeginPass(ctx context.Context, conn Conn, plan, step string, pass int, guards string) error {
	_, err := conn.Exec(ctx, `INSERT INTO onward_ledger.verification (plan, step, pass, guards) VALUES ($1, $2, $3, $4)
		ON CONFLICT (plan, step) DO UPDATE SET pass = excluded.pass, part = 0, cursor = NULL, rows = 0, wrong = 0, mended = 0, guards = excluded.guards, began = clock_timestamp(), clean = NULL`,
		plan, step, pass, guards)
	return err
}

// SavePass records the progress of a pass.
func (v *Verification) SavePass(ctx context.Context, conn Conn, plan, step string) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.verification SET part = $3, cursor = $4, rows = $5, wrong = $6, mended = $7 WHERE plan = $1 AND step = $2",
		plan, step, v.Part, v.Cursor, v.Rows, v.Wrong, v.Mended)
	return err
}

// RecordClean records that a pass found every row right.
func RecordClean(ctx context.Context, conn Conn, plan, step string) error {
	_, err := conn.Exec(ctx, "UPDATE onward_ledger.verification SET cursor = NULL, clean = clock_timestamp() WHERE plan = $1 AND step = $2", plan, step)
	return err
}

// QuarantinedRow is a row that a backfill has skipped, because its data makes the change fail.
type QuarantinedRow struct {
	ID int64
	// Key identifies the row, as text. It is only sent to the database.
	Key []string
	// Code is the SQLSTATE of the failure.
	Code string
}

// QuarantineRow records a row that cannot be changed, in the transaction that skips it. The server's message stays in
// the database, because it may have user data.
func QuarantineRow(ctx context.Context, conn Conn, plan, step string, key []string, code, message string) error {
	_, err := conn.Exec(ctx, "INSERT INTO onward_ledger.quarantine (plan, step, key, code, message) VALUES ($1, $2, $3, $4, $5)", plan, step, key, code, message)
	return err
}

// InQuarantine returns the rows of a backfill in quarantine, oldest first.
func InQuarantine(ctx context.Context, conn Conn, plan, step string) ([]QuarantinedRow, error) {
	rows, _ := conn.Query(ctx, "SELECT id, key, code FROM onward_ledger.quarantine WHERE plan = $1 AND step = $2 ORDER BY id", plan, step)
	return pgx.CollectRows(rows, pgx.RowToStructByPos[QuarantinedRow])
}

// ReleaseRow takes a row out of quarantine, in the transaction that changes it.
func ReleaseRow(ctx context.Context, conn Conn, id int64) error {
	_, err := conn.Exec(ctx, "DELETE FROM onward_ledger.quarantine WHERE id = $1", id)
	return err
}

// CountQuarantined returns how many rows of a plan's backfills are in quarantine, by step ID.
func CountQuarantined(ctx context.Context, conn Conn, plan string) (map[string]int64, error) {
	if n, err := readVersion(ctx, conn); err != nil || n < 2 {
		return nil, err
	}
	rows, _ := conn.Query(ctx, "SELECT step, count(*) FROM onward_ledger.quarantine WHERE plan = $1 GROUP BY step", plan)
	out := map[string]int64{}
	var step string
	var count int64
	_, err := pgx.ForEachRow(rows, []any{&step, &count}, func() error {
		out[step] = count
		return nil
	})
	return out, err
}

// inventoryConflict replaces an earlier record of a relation.
const inventoryConflict = " ON CONFLICT (plan, relation) DO UPDATE SET entries = excluded.entries, recorded = pg_catalog.clock_timestamp()"

// WriteInventory records the inventory of a relation that a plan replaces. It replaces an earlier record.
func WriteInventory(ctx context.Context, conn Conn, plan, name string, list relation.Inventory) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "INSERT INTO onward_ledger.inventory (plan, relation, entries) VALUES ($1, $2, $3::jsonb)"+inventoryConflict,
		plan, name, string(text))
	return err
}

// WriteInventorySQL is [WriteInventory] as a statement, for a list that a query returns.
func WriteInventorySQL(plan, name, query string) string {
	return "INSERT INTO onward_ledger.inventory (plan, relation, entries) VALUES (" + pgparse.QuoteLiteral(plan) + ", " + pgparse.QuoteLiteral(name) +
		",\n(" + query + "))" + inventoryConflict
}

// DeleteInventory deletes the record of a relation.
func DeleteInventory(ctx context.Context, conn Conn, plan, name string) error {
	_, err := conn.Exec(ctx, "DELETE FROM onward_ledger.inventory WHERE plan = $1 AND relation = $2", plan, name)
	return err
}

// ReadInventory returns the recorded inventory of a relation; nil if there is none.
func ReadInventory(ctx context.Context, conn Conn, plan, name string) (list relation.Inventory, err error) {
	var text string
	err = conn.QueryRow(ctx, "SELECT entries::text FROM onward_ledger.inventory WHERE plan = $1 AND relation = $2", plan, name).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal([]byte(text), &list)
}
