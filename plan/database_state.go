package plan

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
)

// state is the schema and the content of a database.
type state struct {
	// schema has the statements that create the schema, with the columns of a table sorted by
	// name: a plan may create columns in another order.
	schema map[string]bool
	// values has a checksum of each column of each table, "public.t.c".
	values map[string]string
	// keys are the columns of primary keys.
	keys map[string]bool
	// rows has the columns of each table and a checksum of its rows.
	rows map[string]string
}

// readState reads the state of a database. base, if not nil, is the state of the database that it began as.
func readState(ctx context.Context, conn *pgx.Conn, url string, volatile map[string]bool, base *state) (*state, error) {
	ddl, err := live.ReadDefinitions(ctx, url)
	if err != nil {
		return nil, err
	}
	s := &state{schema: map[string]bool{}, values: map[string]string{}, keys: map[string]bool{}, rows: map[string]string{}}
	for _, sql := range ddl {
		if sql = canonicalDefinition(sql); sql != "" {
			s.schema[sql] = true
		}
	}
	list, err := conn.Query(ctx, `SELECT c.oid::regclass::text, n.nspname || '.' || c.relname, a.attname, a.attnum, k.keys, k.names
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN LATERAL (SELECT string_agg(quote_ident(b.attname), ', ' ORDER BY b.attname) AS keys, array_agg(b.attname::text) AS names FROM pg_index i JOIN pg_attribute b ON b.attrelid = c.oid AND b.attnum = ANY (i.indkey)
			WHERE i.indrelid = c.oid AND i.indisprimary) k ON true
		WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'onward') ORDER BY 2, 3`)
	if err != nil {
		return nil, err
	}
	columns, err := pgx.CollectRows(list, func(r pgx.CollectableRow) (c stateColumn, err error) {
		var keys *string
		var names []string
		err = r.Scan(&c.table, &c.full, &c.name, &c.attnum, &keys, &names)
		for _, key := range names {
			s.keys[c.full+"."+key] = true
		}
		if keys != nil && !slices.ContainsFunc(names, func(key string) bool { return volatile[c.full+"."+key] }) {
			c.keys = *keys
		}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	if err := s.readSequences(ctx, conn); err != nil {
		return nil, err
	}
	for len(columns) > 0 {
		n := 1
		for n < len(columns) && columns[n].full == columns[0].full {
			n++
		}
		if err := s.readTableSums(ctx, conn, columns[:n], base); err != nil {
			return nil, err
		}
		columns = columns[n:]
	}
	return s, nil
}

// stateColumn is a column of a table. keys are the columns of the primary key by which its values are compared; "" for none.
type stateColumn struct {
	table, full, name, keys string
	attnum                  int16
}

// columnsAtOnce limits the columns whose checksums one query computes.
const columnsAtOnce = 200

// readTableSums records the checksums of a table's columns. It copies the base's if the table has the same columns and rows.
func (s *state) readTableSums(ctx context.Context, conn *pgx.Conn, columns []stateColumn, base *state) error {
	table := columns[0]
	sums, err := readSums(ctx, conn, "FROM "+table.table+" AS t", []string{"count(*) || ' rows, ' || coalesce(sum(hashtextextended((t.*)::text, 0)::numeric), 0)"})
	if err != nil {
		return err
	}
	s.rows[table.full] = fmt.Sprintf("%#v: %s", columns, sums[0])
	if base != nil && base.rows[table.full] == s.rows[table.full] {
		for _, c := range columns {
			s.values[c.full+"."+c.name] = base.values[c.full+"."+c.name]
		}
		return nil
	}
	for part := range slices.Chunk(columns, columnsAtOnce) {
		var list []string
		for _, c := range part {
			col := pgparse.QuoteIdent(c.name)
			row := col
			if c.keys != "" { // together with the row's key
				row = c.keys + ", " + col
			}
			list = append(list, fmt.Sprintf("count(*) || ' rows, ' || count(%s) || ' values, ' || coalesce(sum(hashtextextended(row(%s)::text, 0)::numeric), 0)", col, row))
		}
		if sums, err = readSums(ctx, conn, "FROM "+table.table, list); err != nil {
			return err
		}
		for i, c := range part {
			s.values[c.full+"."+c.name] = sums[i]
		}
	}
	return nil
}

// readSums returns the texts that a query without groups computes.
func readSums(ctx context.Context, conn *pgx.Conn, from string, list []string) ([]string, error) {
	rows, err := conn.Query(ctx, "SELECT ARRAY["+strings.Join(list, ", ")+"] "+from)
	if err != nil {
		return nil, err
	}
	return pgx.CollectOneRow(rows, pgx.RowTo[[]string])
}

// readSequences records the state of each sequence.
func (s *state) readSequences(ctx context.Context, conn *pgx.Conn) error {
	list, err := conn.Query(ctx, `SELECT schemaname || '.' || sequencename, 'sequence: ' || concat_ws(', ', coalesce(last_value::text, 'no value'), start_value, increment_by, min_value, max_value, cycle, cache_size) FROM pg_sequences ORDER BY 1`)
	if err != nil {
		return err
	}
	var sequence, value string
	_, err = pgx.ForEachRow(list, []any{&sequence, &value}, func() error { s.values[sequence] = value; return nil })
	return err
}

// constantCast: a default keeps the type that its column had when the default was set.
var constantCast = lazyregexp.New(`( DEFAULT '(?:[^']|'')*')::[a-z ]+[a-z] ?`)

// ownNotNull: the server names a NOT NULL constraint after the table and the column as they
// were called when it was created (18).
var ownNotNull = lazyregexp.New(` CONSTRAINT [^ ]+_not_null\d*"? NOT NULL`)

// storageParameters is a list of storage parameters, whose order has no meaning.
var storageParameters = lazyregexp.New(` WITH \([^()]*\)`)

// canonicalDefinition returns a definition in comparable form; "" for the plan's own objects.
func canonicalDefinition(sql string) string {
	if strings.HasPrefix(sql, "CREATE SCHEMA onward") || strings.Contains(sql, " onward.") {
		return ""
	}
	sql = storageParameters.ReplaceAllStringFunc(sql, func(list string) string {
		parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(list, " WITH ("), ")"), ", ")
		slices.Sort(parts)
		return " WITH (" + strings.Join(parts, ", ") + ")"
	})
	open := strings.IndexByte(sql, '(')
	if !strings.HasPrefix(sql, "CREATE TABLE ") || open < 0 {
		return sql
	}
	sql = constantCast.ReplaceAllString(sql, "$1 ")
	sql = ownNotNull.ReplaceAllString(sql, " NOT NULL")
	end := parenthesisEnd(sql, open)
	var parts []string
	for _, span := range pgparse.SplitClauses(sql[:end], open+1) {
		parts = append(parts, sql[span.Start:span.End])
	}
	slices.Sort(parts)
	return sql[:open+1] + strings.Join(parts, ", ") + sql[end:]
}

// parenthesisEnd returns the offset of the ")" that closes the "(" at an offset, or the end of the text.
func parenthesisEnd(sql string, open int) int {
	if end := pgparse.ClosingParenthesis(sql, open); end >= 0 {
		return end
	}
	return len(sql)
}

// listDifferences lists the differences to another state, in sentences. Of volatile columns it compares
// only the number of values, and columns in ignoredKeys it skips.
func (s *state) listDifferences(got *state, volatile, ignoredKeys map[string]bool) []string {
	var out []string
	want, have := hideColumns(s.schema, ignoredKeys), hideColumns(got.schema, ignoredKeys)
	for _, sql := range slices.Sorted(maps.Keys(want)) {
		if !have[sql] && !ignoredKeys[createdType(sql)] {
			out = append(out, "is missing: "+sql)
		}
	}
	for _, sql := range slices.Sorted(maps.Keys(have)) {
		if !want[sql] && !ignoredKeys[createdType(sql)] {
			out = append(out, "is left over: "+sql)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		a, b := s.values[name], got.values[name]
		if volatile[name] { // only their number can be compared
			a, b = valueCountText(a), valueCountText(b)
		}
		if a != b && !ignoredKeys[name] {
			out = append(out, fmt.Sprintf("%s has %s, and not %s", name, cmp.Or(b, "nothing"), a))
		}
	}
	return out
}

// hideColumns returns definitions without the definitions of the columns in ignoredKeys.
func hideColumns(schema, ignoredKeys map[string]bool) map[string]bool {
	out := map[string]bool{}
	for sql := range schema {
		out[sql] = true
	}
	for key := range ignoredKeys {
		column, isColumn := strings.CutPrefix(key, "COLUMN ")
		dot := strings.LastIndex(column, ".")
		if !isColumn || dot < 0 {
			continue
		}
		head := "CREATE TABLE " + column[:dot] + " ("
		for sql := range out {
			if hidden := hideColumn(sql, head, pgparse.QuoteIdent(column[dot+1:])); hidden != sql {
				delete(out, sql)
				out[hidden] = true
			}
		}
	}
	return out
}

// hideColumn returns a definition of a table without what it says about a column.
func hideColumn(sql, head, column string) string {
	if !strings.HasPrefix(sql, head) {
		return sql
	}
	for _, span := range pgparse.SplitClauses(sql[:parenthesisEnd(sql, len(head)-1)], len(head)) {
		if strings.HasPrefix(strings.TrimSpace(sql[span.Start:span.End]), column+" ") {
			return sql[:span.Start] + column + sql[span.End:]
		}
	}
	return sql
}

// createdType returns the enum that a statement creates, "TYPE public.t", or "".
func createdType(sql string) string {
	rest, isCreate := strings.CutPrefix(sql, "CREATE ")
	if !isCreate || !strings.HasPrefix(rest, "TYPE ") {
		return ""
	}
	head, _, _ := strings.Cut(rest, " AS ENUM ")
	return head
}

func valueCountText(sum string) string {
	if comma := strings.LastIndex(sum, ", "); comma >= 0 {
		return sum[:comma]
	}
	return sum
}
