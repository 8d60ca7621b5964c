package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// chunkRepair is the repair of the rows of a chunk. One row whose change fails must not prevent the repair of the others. So the batch is
// halved until that row is alone, and the row is skipped.
type chunkRepair struct {
	halvings    int        // how often the batch was halved; 0 repairs onward.PlanBatch rows at once
	skippedKeys [][]string // the keys of the skipped rows
}

// batchSize returns how many rows are repaired at once.
func (r *chunkRepair) batchSize() int { return max(1, onward.PlanBatch>>r.halvings) }

// widenBatch doubles the batch again after a success.
func (r *chunkRepair) widenBatch() { r.halvings = max(0, r.halvings-1) }

// batchQuery returns the query for the rows to repair next, of those that match a condition, and its parameters.
func (r *chunkRepair) batchQuery(c *onward.PlanComparison, types []string, where string, args []any) (string, []any) {
	return r.wrongRowsQuery(selectKeys(c.Keys), c, types, where, args)
}

// wrongRowsQuery returns a query for the next wrong rows that were not skipped, and its parameters.
func (r *chunkRepair) wrongRowsQuery(
	selectList string, c *onward.PlanComparison, types []string, where string, args []any,
) (string, []any) {
	args = slices.Clip(args) // each query has its own
	for _, key := range r.skippedKeys {
		var condition string
		condition, args = compareKeySQL(c.Keys, " = ", types, key, args)
		where += " AND NOT (" + condition + ")"
	}
	return fmt.Sprintf("SELECT %s FROM %s AS t WHERE %s AND (%s) ORDER BY %s LIMIT %d",
		selectList, c.Table, where, c.Wrong, orderByKeys(c.Keys), r.batchSize()), args
}

// narrowRepair continues after a row of the batch has failed: with half of the rows or, if it was alone, without it. A single row is put into
// quarantine if the comparison uses the same keys as the backfill.
func (fill *Backfill) narrowRepair(ctx context.Context, s *onward.PlanStep, c *onward.PlanComparison, cursor []string, cause error) error {
	r := &fill.state.repair
	fill.state.resetWrongCount()
	fill.state.repairError = "their change fails (" + session.ServerMessage(cause) + ")"
	if r.batchSize() > 1 {
		r.halvings++
		return nil
	}
	if len(r.skippedKeys) >= mostQuarantined {
		fill.state.giveUpRepairs() // so many rows cannot all be wrong: the change is
		return nil
	}
	key, count, err := fill.isolateRow(ctx, s, c, cursor, cause)
	if err != nil || key == nil {
		return err
	}
	r.skippedKeys = append(r.skippedKeys, key)
	if count > 0 {
		reason := session.ServerMessage(cause)
		fill.record.ReportEvent(run.Skipped, s, fmt.Sprintf("a row whose change fails (%s); in quarantine are %d", reason, count))
	}
	return nil
}

// resetWrongCount makes the next repair count as useful: it has fewer rows than the last one.
func (b *backfillState) resetWrongCount() { b.wrong = 0 }

// giveUpRepairs ends the repairs of the chunk.
func (b *backfillState) giveUpRepairs() { b.uselessRepairs = maxUselessRepairs }

// isolateRow returns the key of the row whose repair fails alone; nil if somebody else has changed or removed the row. It puts the row into
// quarantine, and returns the number of rows there, if the comparison uses the same keys as the backfill.
func (fill *Backfill) isolateRow(
	ctx context.Context, s *onward.PlanStep, c *onward.PlanComparison, cursor []string, cause error,
) (key []string, count int, err error) {
	err = fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) error {
		if err := forbidRowSecurity(ctx, tx); err != nil {
			return err
		}
		types, err := readColumnTypes(ctx, tx, c.Table, c.Keys)
		if err != nil {
			return err
		}
		where, args := keyRangeCondition(c.Keys, types, cursor, nil)
		// The row is found first: comparisons use the settings that the backfill used, and keys are written as text under others.
		query, args := fill.state.repair.wrongRowsQuery("t.tableoid::pg_catalog.text, t.ctid::pg_catalog.text", c, types, where, args)
		var table, place string
		if err := tx.QueryRow(ctx, query, args...).Scan(&table, &place); err != nil {
			if errors.Is(err, pgx.ErrNoRows) { // somebody else has repaired it
				return nil
			}
			return err
		}
		if _, err := tx.Exec(ctx, roundTripSettings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, "SELECT "+keysAsText("t", c.Keys)+" FROM "+c.Table+" AS t "+
			"WHERE t.tableoid OPERATOR(pg_catalog.=) $1::pg_catalog.text::pg_catalog.oid AND t.ctid OPERATOR(pg_catalog.=) $2::pg_catalog.text::pg_catalog.tid", table,
			place).Scan(&key)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if key == nil {
			return nil // somebody else has changed it meanwhile
		}
		if c.Table != s.Backfill.Table || !slices.Equal(c.Keys, s.Backfill.Keys) {
			return nil // the quarantine of the step has the keys of its backfill
		}
		return fill.session.AsLedgerOwner(ctx, tx, func() (err error) {
			count, err = fill.quarantineRow(ctx, tx, s, key, cause)
			return err
		})
	})
	return key, count, err
}

// quarantineRow puts a row of a backfill into quarantine, in the transaction of its caller, and returns how many are there. A row that is
// already there stays as it is, and the result is 0. Too many rows give an [*UnfinishedError].
func (fill *Backfill) quarantineRow(ctx context.Context, tx pgx.Tx, s *onward.PlanStep, key []string, cause error) (int, error) {
	list, err := ledger.InQuarantine(ctx, tx, fill.record.Row.ID, s.ID)
	if err != nil || slices.ContainsFunc(list, func(q ledger.QuarantinedRow) bool { return slices.Equal(q.Key, key) }) {
		return 0, err
	}
	if len(list) >= mostQuarantined {
		return 0, &run.UnfinishedError{
			Step: s.ID,
			Why: fmt.Sprintf("%d rows are in quarantine, and the change of another one fails (%s): %s finds them. Look at the change before the rows; "+
				"the same command goes on", mostQuarantined, session.ServerMessage(cause), fill.record.QuarantineQuery(s)),
			Err: cause,
		}
	}
	refused := new(pgconn.PgError)
	code, words := "", strings.TrimSpace(session.ServerMessage(cause))
	if errors.As(cause, &refused) {
		code, words = refused.Code, redact.RedactMessage(refused)
	}
	return len(list) + 1, ledger.QuarantineRow(ctx, tx, fill.record.Row.ID, s.ID, key, code, words)
}

// findRangeEnd returns the key of the last of the next rows after a key, and their number, which limit bounds. For a table with the ids 1 to 900 and
// after = ["100"], limit = 50 it is ["150"], 50. No row is after lastKey; nil for no such bound.
func findRangeEnd(ctx context.Context, tx pgx.Tx, c *onward.PlanComparison, types, after, lastKey []string, limit int) (end []string, rows int64, err error) {
	if _, err := tx.Exec(ctx, roundTripSettings, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, 0, err
	}
	where, args := keyRangeCondition(c.Keys, types, after, lastKey)
	backward := make([]string, len(c.Keys))
	for i, name := range keyNames(c.Keys) {
		backward[i] = name + " DESC"
	}
	err = tx.QueryRow(ctx, fmt.Sprintf("SELECT %s, pg_catalog.count(*) OVER () FROM (SELECT %s FROM %s AS t WHERE %s ORDER BY %s LIMIT %d) AS chunk ORDER BY %s LIMIT 1",
		keysAsText("chunk", keyNames(c.Keys)), selectKeys(c.Keys), c.Table, where, orderByKeys(c.Keys), limit,
		strings.Join(backward, ", ")), args...).Scan(&end, &rows)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, nil
	}
	if err == nil { // comparisons use the settings that the backfill used
		_, err = tx.Exec(ctx, "SET LOCAL datestyle TO DEFAULT; SET LOCAL intervalstyle TO DEFAULT; SET LOCAL bytea_output TO DEFAULT; "+
			"SET LOCAL extra_float_digits TO DEFAULT", pgx.QueryExecModeSimpleProtocol)
	}
	return end, rows, err
}

// selectKeys returns the SELECT list of a table's keys, with the names that a batch has for them: "t.id AS onward_key1".
func selectKeys(keys []string) string {
	out := make([]string, len(keys))
	for i, name := range keyNames(keys) {
		out[i] = "t." + keys[i] + " AS " + name
	}
	return strings.Join(out, ", ")
}

// orderByKeys returns the ORDER BY list for a table's keys.
func orderByKeys(keys []string) string { return "t." + strings.Join(keys, ", t.") }

// keyRangeCondition returns a condition: the key of row t is after one key and not after another. nil means no bound. For the keys 1 and 9 it is
// "true AND t.id > $1::pg_catalog.text::bigint AND t.id <= $2::pg_catalog.text::bigint", with the arguments "1" and "9".
func keyRangeCondition(keys, types, after, lastKey []string) (string, []any) {
	where, args := "true", []any(nil)
	bound := func(op string, key []string) {
		if key != nil {
			var condition string
			condition, args = compareKeySQL(keys, op, types, key, args)
			where += " AND " + condition
		}
	}
	bound(" > ", after)
	bound(" <= ", lastKey)
	return where, args
}

// compareKeySQL returns a condition that compares the key of row t with another key, given as text. It appends to the parameters.
func compareKeySQL(keys []string, op string, types, key []string, args []any) (string, []any) {
	row := func(list []string) string {
		if len(list) == 1 {
			return list[0]
		}
		return "(" + strings.Join(list, ", ") + ")"
	}
	columns := make([]string, len(keys))
	for i, k := range keys {
		columns[i] = "t." + k
	}
	values, args := castPlaceholders(types, key, args)
	return row(columns) + op + row(values), args
}

// forbidRowSecurity makes the server refuse a query from which row-level security would hide rows: a backfill processes all rows or is not
// done.
func forbidRowSecurity(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, withoutRowSecurity)
	return err
}

const withoutRowSecurity = "SET LOCAL row_security = off"

// roundTripSettings makes the server write values in a form that can be read back under any settings.
const roundTripSettings = "SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1"

// keyNames returns the columns of a batch that hold the keys.
func keyNames(keys []string) []string {
	out := make([]string, len(keys))
	for i := range keys {
		out[i] = fmt.Sprintf("onward_key%d", i+1)
	}
	return out
}

// keysAsText returns an SQL array with columns of a row as text.
func keysAsText(row string, columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = row + "." + c + "::pg_catalog.text"
	}
	return "ARRAY[" + strings.Join(out, ", ") + "]"
}

// readColumnTypes returns the types of columns.
func readColumnTypes(ctx context.Context, tx pgx.Tx, table string, columns []string) ([]string, error) {
	rows, _ := tx.Query(ctx, `SELECT pg_catalog.format_type(a.atttypid, a.atttypmod)
		FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS k (name, place)
		JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid AND NOT a.attisdropped
			AND a.attname OPERATOR(pg_catalog.=) (pg_catalog.parse_ident(k.name))[1]::pg_catalog.name ORDER BY k.place`, table, columns)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(list) != len(columns) {
		err = fmt.Errorf("the table %s has lost a column of its key (%s)", table, strings.Join(columns, ", "))
	}
	return list, err
}

// castPlaceholders returns placeholders that cast text to the given types, and the parameters, appended to those in before.
func castPlaceholders(types, values []string, before []any) (list []string, args []any) {
	args = before
	for i, typ := range types {
		args = append(args, values[i])
		list = append(list, fmt.Sprintf("$%d::pg_catalog.text::%s", len(args), typ))
	}
	return list, args
}
