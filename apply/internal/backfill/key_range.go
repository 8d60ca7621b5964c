package backfill

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

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
	rows, err := tx.Query(ctx, `SELECT pg_catalog.format_type(a.atttypid, a.atttypmod)
		FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS k (name, place)
		JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid AND NOT a.attisdropped
			AND a.attname OPERATOR(pg_catalog.=) (pg_catalog.parse_ident(k.name))[1]::pg_catalog.name ORDER BY k.place`, table, columns)
	if err != nil {
		return nil, err
	}
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
