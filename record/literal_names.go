package record

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
)

// resolveNames asks the server which string literals of a query name an object, or are a label of an enum. No other
// literal is kept.
func (r *resolver) resolveNames(ctx context.Context, q *workload.Query, n *pgparse.Node) ([]workload.Name, error) {
	var out []workload.Name
	text := workload.NameParams(n)
	table := ""
	for i, l := range r.strings {
		if i >= len(q.Params) || len(l.Values) == 0 && !l.Unread {
			continue
		}
		name := workload.Name{Param: i + 1, Type: text[i+1], Partial: l.Unread}
		labels, err := r.readEnumLabels(ctx, q.Params[i])
		if err != nil {
			return nil, err
		}
		switch {
		case labels != nil || name.Type == "" && workload.IsNameType(q.Params[i]):
			name.Type = q.Params[i]
		case name.Type == "":
			continue // a value
		}
		for _, value := range l.Values {
			var list []string
			switch {
			case labels != nil:
				list = labels.labelsInLiteral(value)
			default:
				isName, err := r.namesObject(ctx, name.Type, value, table)
				if err != nil {
					return nil, err
				}
				if isName {
					list = []string{value}
				}
			}
			name.Partial = name.Partial || list == nil
			name.Values = append(name.Values, list...)
		}
		if table = ""; name.Type == workload.TableName && len(name.Values) == 1 {
			table = name.Values[0]
		}
		slices.Sort(name.Values)
		name.Values = slices.Compact(name.Values)
		out = append(out, name)
	}
	return out, nil
}

// enumLabels are the labels of the enum that a type is, or is an array of.
type enumLabels struct {
	array bool
	list  []string
}

// labelsInLiteral are the labels that a literal has; nil if it has anything else.
func (e *enumLabels) labelsInLiteral(value string) []string {
	list := []string{value}
	if e.array {
		inner, opened := strings.CutPrefix(value, "{")
		inner, closed := strings.CutSuffix(inner, "}")
		if !opened || !closed {
			return nil
		}
		if list = []string{}; strings.TrimSpace(inner) != "" {
			list = strings.Split(inner, ",")
		}
		for i := range list {
			list[i] = strings.Trim(strings.TrimSpace(list[i]), `"`)
		}
	}
	for _, label := range list {
		if !slices.Contains(e.list, label) {
			return nil
		}
	}
	return list
}

// readEnumLabels reads the labels of an enum, of a domain over one, or of an array of one; nil for other types.
func (r *resolver) readEnumLabels(ctx context.Context, typ string) (*enumLabels, error) {
	e := &enumLabels{}
	err := r.conn.QueryRow(ctx, labelsSQL, unpreparedMode, typ).Scan(&e.array, &e.list)
	if err != nil || len(e.list) == 0 {
		return nil, err
	}
	return e, nil
}

const labelsSQL = `WITH RECURSIVE made AS (
  SELECT t.oid, t.typtype, t.typbasetype, t.typelem, false AS array FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) pg_catalog.to_regtype($1)
  UNION ALL SELECT t.oid, t.typtype, t.typbasetype, t.typelem, m.array OR m.typelem OPERATOR(pg_catalog.<>) 0::pg_catalog.oid FROM made m JOIN pg_catalog.pg_type t
    ON t.oid OPERATOR(pg_catalog.=) CASE WHEN m.typbasetype OPERATOR(pg_catalog.<>) 0::pg_catalog.oid THEN m.typbasetype ELSE m.typelem END AND t.oid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid)
SELECT COALESCE(pg_catalog.bool_or(m.array), false), COALESCE(pg_catalog.array_agg(e.enumlabel::pg_catalog.text), '{}')
FROM made m JOIN pg_catalog.pg_enum e ON e.enumtypid OPERATOR(pg_catalog.=) m.oid`

// namesObject reports whether a text names an object of the database.
func (r *resolver) namesObject(ctx context.Context, kind, value, table string) (bool, error) {
	if strings.Trim(value, "0123456789- ") == "" {
		return false, nil // a number means an OID, whether there is such an object or not
	}
	sql, args := "SELECT $1::pg_catalog.text::pg_catalog."+kind+" IS NOT NULL", []any{unpreparedMode, value}
	switch kind {
	case workload.TableName:
		sql = "SELECT pg_catalog.to_regclass($1) IS NOT NULL"
	case workload.ColumnName:
		sql, args = "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2) AND attname "+
			"OPERATOR(pg_catalog.=) $1::pg_catalog.name AND attnum OPERATOR(pg_catalog.>) 0 AND NOT attisdropped)", append(args, table)
	}
	if _, err := r.conn.Exec(ctx, "SAVEPOINT onward_name", unpreparedMode); err != nil {
		return false, err
	}
	var exists bool
	err := r.conn.QueryRow(ctx, sql, args...).Scan(&exists)
	if errors.As(err, new(*pgconn.PgError)) {
		exists, err = false, nil
	}
	if err == nil {
		_, err = r.conn.Exec(ctx, "ROLLBACK TO onward_name", unpreparedMode)
	}
	return exists, err
}
