package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// mentions looks in the queries of a body for what names a relation, or a column
// of it. It stores nothing: names that the catalog does not hold stay unknown.
type mentions struct {
	catalog *Catalog
	body    *Body
	target  *Relation
	column  string // "" looks for the relation
	// rows are the variables that hold rows of the relation.
	rows map[string]bool
	into []string // of the statement in question

	found, sure bool
	fields      []Field
}

func (m *mentions) hit(sure bool) { m.found, m.sure = true, m.sure || sure && !m.body.loose }

// is reports whether a relation is the one that is looked for.
func (m *mentions) is(r *Relation) bool { return r != nil && r.OID == m.target.OID && r.OID != 0 }

// Table is what a name of a relation means, for query.Bind.
func (m *mentions) Table(rv *pgparse.RangeVar) query.Table {
	if m.catalog == nil {
		return nil
	}
	schema, name := pgparse.RangeName(rv)
	r := m.catalog.find(schema, name)
	if r == nil && schema == "" && name == m.target.Name.Name {
		r = m.target // search_path is not what it was when the function was made
	}
	if r == nil {
		return nil
	}
	return r
}

// relation is the relation of an entry of FROM; nil where it is none, or its
// columns go by other names.
func relationOf(s *query.Source) *Relation {
	if r, ok := s.Table.(*Relation); ok && !s.Renamed {
		return r
	}
	return nil
}

// named looks at the name of a relation.
func (m *mentions) named(t query.Table) {
	if r, ok := t.(*Relation); ok && m.is(r) && m.column == "" {
		m.hit(true)
	}
}

// statement looks at a statement of a body.
func (m *mentions) statement(n *pgparse.Node) {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.TruncateStmt:
		for _, n := range s.GetRelations() {
			m.named(m.Table(n.GetRangeVar()))
		}
	case *pgparse.LockStmt:
		for _, n := range s.GetRelations() {
			m.named(m.Table(n.GetRangeVar()))
		}
	case *pgparse.CallStmt:
		for _, a := range s.GetFunccall().GetArgs() {
			m.levels(query.BindExpr(a, m))
		}
	default:
		m.levels(query.Bind(n, m))
	}
}

func (m *mentions) levels(l *query.Level) {
	l.Walk(func(l *query.Level) bool {
		m.level(l)
		return true
	})
}

// level looks at one query, without those inside it.
func (m *mentions) level(l *query.Level) {
	for _, s := range l.Sources {
		if s.Range != nil {
			m.named(s.Table)
		}
	}
	switch s := l.Node.(type) {
	case *pgparse.InsertStmt:
		m.insert(l, s)
	case *pgparse.UpdateStmt:
		m.targets(l, s.GetTargetList())
	case *pgparse.MergeStmt:
		for _, n := range s.GetMergeWhenClauses() {
			m.targets(l, n.GetMergeWhenClause().GetTargetList())
		}
	}
	m.record(l, query.Given(l.Node))
	for _, n := range l.Names {
		m.name(l, n)
	}
}

func (m *mentions) insert(l *query.Level, s *pgparse.InsertStmt) {
	m.targets(l, s.GetCols())
	if len(s.GetCols()) == 0 {
		m.positional(s.GetSelectStmt().GetSelectStmt(), relationOf(l.Target))
	}
	c := s.GetOnConflictClause()
	for _, n := range c.GetInfer().GetIndexElems() {
		if m.is(relationOf(l.Target)) && m.column != "" && n.GetIndexElem().GetName() == m.column {
			m.hit(true)
		}
	}
	m.targets(l, c.GetTargetList())
}

// targets looks at the names of the columns that a statement writes.
func (m *mentions) targets(l *query.Level, list []*pgparse.Node) {
	if m.column == "" || !m.is(relationOf(l.Target)) {
		return
	}
	for _, n := range list {
		if n.GetResTarget().GetName() == m.column {
			m.hit(true)
		}
	}
}

// positional looks at an INSERT that names no columns: it needs as many as it
// has values.
func (m *mentions) positional(q *pgparse.SelectStmt, rel *Relation) {
	if m.column == "" || !m.is(rel) || q == nil {
		return
	}
	values := len(q.GetTargetList())
	if rows := q.GetValuesLists(); len(rows) > 0 {
		values = len(pgparse.Items(rows[0]))
	}
	at := slices.IndexFunc(rel.Columns, func(c *Column) bool { return c.Name == m.column })
	star := slices.ContainsFunc(q.GetTargetList(), func(n *pgparse.Node) bool {
		return pgparse.Expands(n.GetResTarget().GetVal())
	})
	if star || rel.Inferred || rel.Partial || q.GetLarg() != nil {
		m.hit(false)
	} else if at >= 0 && at < values {
		m.hit(true)
	}
}

// record looks at what a statement gives: a variable that takes all columns of the
// relation has its fields.
func (m *mentions) record(l *query.Level, list []*pgparse.Node) {
	if len(m.into) != 1 || l.Outer != nil || len(list) != 1 {
		return
	}
	ref := list[0].GetResTarget().GetVal().GetColumnRef()
	if ref == nil || !pgparse.EndsInStar(ref) || !slices.ContainsFunc(l.Sources, func(s *query.Source) bool { return m.is(relationOf(s)) }) {
		return
	}
	if m.rows == nil {
		m.rows = map[string]bool{}
	}
	m.rows[strings.ToLower(m.into[0])] = true
}
