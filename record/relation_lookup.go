package record

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// relation is a table, view or the like that a query names, as the server has it.
type relation struct {
	oid     uint32
	name    string // "public.users"
	kind    string // pg_class.relkind: "r"
	columns []string
}

func (r *relation) HasColumn(name string) bool {
	return slices.Contains(r.columns, name) || query.SystemColumn(name)
}
func (r *relation) AllColumns() []string    { return r.columns }
func (r *relation) HasUnknownColumns() bool { return false }

// tables looks names up on a server, under one search path.
type tables map[string]*relation

// quoteRelationName is a name of SQL as to_regclass reads it.
func quoteRelationName(rv *pgparse.RangeVar) string {
	schema, name := pgparse.RangeName(rv)
	if schema == "" {
		return pgx.Identifier{name}.Sanitize()
	}
	return pgx.Identifier{schema, name}.Sanitize()
}

// Table is what a name means; nil where the server does not know it.
func (t tables) Table(rv *pgparse.RangeVar) query.Table {
	if r := t[quoteRelationName(rv)]; r != nil {
		return r
	}
	return nil
}

// lookupRelations asks the server for the names in a statement. The session has the search path.
func lookupRelations(ctx context.Context, c *pgx.Conn, n *pgparse.Node) (tables, error) {
	found := tables{}
	var names []string
	for _, rv := range query.ListRelations(n) {
		if name := quoteRelationName(rv); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return found, nil
	}
	rows, err := c.Query(ctx, relationsSQL, names)
	if err != nil {
		return nil, err
	}
	var name string
	var r relation
	_, err = pgx.ForEachRow(rows, []any{&name, &r.oid, &r.name, &r.kind, &r.columns}, func() error {
		relationCopy := r
		relationCopy.columns = slices.Clone(r.columns)
		found[name] = &relationCopy
		return nil
	})
	return found, err
}

const relationsSQL = `SELECT x.name, c.oid, pg_catalog.concat(n.nspname, '.', c.relname), c.relkind::pg_catalog.text,
  ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped ORDER BY a.attnum)
FROM pg_catalog.unnest($1::pg_catalog.text[]) x(name)
JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(x.name)
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace`

// isCatalogRelation reports whether a relation is one of the server's own.
func isCatalogRelation(name string) bool {
	return strings.HasPrefix(name, "pg_catalog.") || strings.HasPrefix(name, "information_schema.") || strings.HasPrefix(name, "pg_toast.")
}
