package ledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Range is a part of a backfill that several workers share: the rows after one key, through another one. The ranges of a backfill do not
// overlap. Keys are text; they have user data, so they are only sent to the database.
type Range struct {
	Number int
	// Cursor is the key of the last row that was processed; nil before the first row of the table.
	Cursor []string
	// Through is the key of the last row of the range.
	Through []string
}

// CreateRanges records the ranges of a backfill.
func CreateRanges(ctx context.Context, conn Conn, plan, step string, list []Range) error {
	for i := range list {
		if _, err := conn.Exec(ctx, "INSERT INTO onward_ledger.range (plan, step, number, cursor, through) VALUES ($1, $2, $3, $4, $5)",
			plan, step, list[i].Number, list[i].Cursor, list[i].Through); err != nil {
			return err
		}
	}
	return nil
}

// ReadRanges returns the ranges of a backfill that are not done, and whether it has any.
func ReadRanges(ctx context.Context, conn Conn, plan, step string) (left []Range, ranged bool, err error) {
	rows, _ := conn.Query(ctx, "SELECT number, cursor, through, done FROM onward_ledger.range WHERE plan = $1 AND step = $2 ORDER BY number", plan, step)
	var r Range
	var done bool
	_, err = pgx.ForEachRow(rows, []any{&r.Number, &r.Cursor, &r.Through, &done}, func() error {
		ranged = true
		if !done {
			left = append(left, r)
		}
		r = Range{} // the slices belong to the list
		return nil
	})
	return left, ranged, err
}

// MoveRangeSQL returns the statement that moves the cursor of a range, in the transaction that processes the rows. It fails if the cursor is elsewhere
// than the caller believes, so that no row is processed twice. rows is an expression for their number.
func MoveRangeSQL(plan, step string, r *Range, cursor []string, rows string, done bool) string {
	return "DO LANGUAGE plpgsql " + pgparse.DollarQuote(fmt.Sprintf(`
BEGIN
  UPDATE onward_ledger.range SET cursor = %s, rows = rows OPERATOR(pg_catalog.+) %s, done = %t
  WHERE %s AND number OPERATOR(pg_catalog.=) %d AND cursor IS NOT DISTINCT FROM %s AND NOT done;
  IF NOT FOUND THEN
    RAISE serialization_failure USING MESSAGE = pg_catalog.format('the range %d of the backfill %%s is not where this process left it', %s);
  END IF;
END
`, formatArray(cursor), rows, done, stepCondition("step", plan, step), r.Number, formatArray(r.Cursor), r.Number, pgparse.QuoteLiteral(step)))
}

// formatArray returns an array of texts for SQL; nil is NULL.
func formatArray(list []string) string {
	if list == nil {
		return "NULL::pg_catalog.text[]"
	}
	quoted := make([]string, len(list))
	for i, text := range list {
		quoted[i] = pgparse.QuoteLiteral(text)
	}
	return "ARRAY[" + strings.Join(quoted, ", ") + "]::pg_catalog.text[]"
}

// EndRanges deletes the ranges of a backfill, all of which are done, and adds their rows to the step.
func EndRanges(ctx context.Context, conn Conn, plan, step string) error {
	tag, err := conn.Exec(ctx, `WITH ended AS (DELETE FROM onward_ledger.range WHERE plan = $1 AND step = $2 RETURNING rows, done)
		UPDATE onward_ledger.step SET rows = rows + (SELECT coalesce(sum(rows), 0) FROM ended)
		WHERE plan = $1 AND id = $2 AND (SELECT coalesce(bool_and(done), true) FROM ended)`, plan, step)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("a range of the backfill %s is not done", step)
	}
	return err
}
