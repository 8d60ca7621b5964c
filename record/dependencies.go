package record

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// dependencies is what the server says that a statement depends on.
type dependencies struct {
	// columns are the columns of relations, by the relation's name: without any, only the relation itself counts.
	columns          map[string][]string
	functions, types []string
}

// relationUse is what a text says of one relation.
type relationUse struct {
	reads, writes map[string]bool
	star, whole   bool // star: it reads SELECT *; whole: it writes columns by their position
	upsert        bool
	lock          onward.Lock
}

// combineUses combines the text of a query with the server's dependencies. The text says which columns are
// written, and which are read. The server says to which relation they belong. d is nil if the server was not asked.
func combineUses(n *pgparse.Node, names tables, d *dependencies) []workload.Use {
	text := readTextUses(n, names)
	if d != nil {
		for name := range d.columns {
			if text[name] == nil { // such as one that a function of SQL reads
				text[name] = &relationUse{reads: map[string]bool{}, writes: map[string]bool{}, lock: onward.AccessShareLock}
			}
		}
	}
	var out []workload.Use
	for _, name := range slices.Sorted(maps.Keys(text)) {
		t := text[name]
		if d != nil {
			t.addServerColumns(d.columns[name])
		}
		out = append(out, workload.Use{
			Relation: name, Reads: slices.Sorted(maps.Keys(t.reads)), Writes: slices.Sorted(maps.Keys(t.writes)), Star: t.star, Lock: t.lock.String(),
		})
	}
	return out
}

// addServerColumns puts in what the server says. It lists the columns that are read and those that
// are written in one; of the target of ON CONFLICT it lists all there are.
func (t *relationUse) addServerColumns(columns []string) {
	if t.upsert {
		return
	}
	for _, c := range columns {
		switch {
		case t.whole && !t.reads[c]:
			t.writes[c] = true
		case !t.writes[c]:
			t.reads[c] = true
		}
	}
}

// readTextUses is what the binder says, with the relations as the server has them.
func readTextUses(n *pgparse.Node, names tables) map[string]*relationUse {
	out := map[string]*relationUse{}
	usageOf := func(s *query.Source) *relationUse {
		if s == nil || s.Range == nil {
			return nil
		}
		r := names[quoteRelationName(s.Range)]
		if r == nil {
			return nil
		}
		if out[r.name] == nil {
			out[r.name] = &relationUse{reads: map[string]bool{}, writes: map[string]bool{}, lock: onward.AccessShareLock}
		}
		return out[r.name]
	}
	copies := n.GetCopyStmt() != nil
	for _, u := range query.ListUses(n, names) {
		t := usageOf(u.Of)
		if t == nil {
			continue
		}
		t.addTextUse(&u, copies)
	}
	addRowLocks(n, usageOf)
	return out
}

// addTextUse puts one fact of the text in.
func (t *relationUse) addTextUse(u *query.Use, copies bool) {
	switch u.How {
	case query.Inserts, query.Updates, query.Deletes:
		t.lock = max(t.lock, onward.RowExclusiveLock)
		t.whole = t.whole || u.How == query.Inserts && len(u.Columns) == 0
		for _, c := range u.Columns {
			t.writes[c] = true
		}
		if t.whole && copies {
			for _, c := range u.Of.Table.AllColumns() {
				t.writes[c] = true
			}
		}
	case query.Empties:
		t.lock = onward.AccessExclusiveLock
	case query.ReadsColumn:
		if u.Sure {
			t.reads[u.Column] = true
		}
	case query.InsertsColumn, query.UpdatesColumn:
		t.writes[u.Column] = true
	case query.Stars:
		t.star = t.star || u.Sure
		if u.Sure && u.Of.Table != nil {
			for _, c := range u.Of.Table.AllColumns() {
				t.reads[c] = true
			}
		}
	case query.Arbitrates, query.ArbitratesName:
		t.upsert = true
		for _, c := range u.Columns {
			if u.How == query.Arbitrates && u.Of.Table != nil && u.Of.Table.HasColumn(c) {
				t.reads[c] = true
			}
		}
	}
}

// addRowLocks notes the locks of FOR UPDATE and its like, and of LOCK TABLE.
func addRowLocks(n *pgparse.Node, usageOf func(*query.Source) *relationUse) {
	if l := n.GetLockStmt(); l != nil {
		for _, r := range l.GetRelations() {
			if t := usageOf(&query.Source{Range: r.GetRangeVar()}); t != nil {
				t.lock = max(t.lock, onward.Lock(l.GetMode()))
			}
		}
	}
	for _, level := range queryLevels(n) {
		s, ok := level.Node.(*pgparse.SelectStmt)
		if !ok || len(s.GetLockingClause()) == 0 {
			continue
		}
		for _, source := range level.Sources {
			if t := usageOf(source); t != nil {
				t.lock = max(t.lock, onward.RowShareLock)
			}
		}
	}
}

func queryLevels(n *pgparse.Node) (out []*query.Level) {
	if l := query.BindScopes(n); l != nil {
		l.Walk(func(l *query.Level) bool {
			out = append(out, l)
			return true
		})
	}
	return out
}

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
	rows, _ := c.Query(ctx, relationsSQL, names)
	var name string
	var r relation
	_, err := pgx.ForEachRow(rows, []any{&name, &r.oid, &r.name, &r.kind, &r.columns}, func() error {
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
