package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// mentions searches the queries of a body for names of a relation, or of one of its
// columns. It stores nothing: names that the catalog does not hold stay unknown.
type mentions struct {
	catalog *Catalog
	body    *Body
	target  *Relation
	column  string // "" searches for the relation
	// rows are the variables that hold rows of the relation.
	rows map[string]bool
	into []string // of the statement in question
	// transitions are other names of the relation, and onField is called for each field of a variable.
	transitions []string
	onField     func(variable, field string)

	found, sure bool
	fields      []Field
}

func (m *mentions) recordHit(sure bool) { m.found, m.sure = true, m.sure || sure && !m.body.loose }

// isTarget reports whether a relation is the one that is looked for.
func (m *mentions) isTarget(r *Relation) bool { return r != nil && r.OID == m.target.OID && r.OID != 0 }

// Table resolves a relation's name for query.BindStatement.
func (m *mentions) Table(rv *pgparse.RangeVar) query.Table {
	if m.catalog == nil {
		return nil
	}
	schema, name := pgparse.RangeName(rv)
	if schema == "" && slices.Contains(m.transitions, name) {
		return m.target
	}
	r := m.catalog.findRelation(schema, name)
	if r == nil && schema == "" && name == m.target.Name.Name {
		r = m.target // search_path is not what it was when the function was made
	}
	if r == nil {
		return nil
	}
	return r
}

// relationOf returns the relation of an entry of FROM; nil if it is none, or its columns
// are renamed.
func relationOf(s *query.Source) *Relation {
	if r, ok := s.Table.(*Relation); ok && !s.Renamed {
		return r
	}
	return nil
}

// checkTable looks at the name of a relation.
func (m *mentions) checkTable(t query.Table) {
	if r, ok := t.(*Relation); ok && m.isTarget(r) && m.column == "" {
		m.recordHit(true)
	}
}

// checkStatement looks at a statement of a body.
func (m *mentions) checkStatement(n *pgparse.Node) {
	switch s := pgparse.Unwrap(n).(type) {
	case *pgparse.TruncateStmt:
		for _, n := range s.GetRelations() {
			m.checkTable(m.Table(n.GetRangeVar()))
		}
	case *pgparse.LockStmt:
		for _, n := range s.GetRelations() {
			m.checkTable(m.Table(n.GetRangeVar()))
		}
	case *pgparse.CallStmt:
		for _, a := range s.GetFunccall().GetArgs() {
			m.checkLevels(query.BindExpr(a, m))
		}
	default:
		m.checkLevels(query.BindStatement(n, m))
	}
}

func (m *mentions) checkLevels(l *query.Level) {
	l.Walk(func(l *query.Level) bool {
		m.checkLevel(l)
		return true
	})
}

// checkLevel looks at one query, without those inside it.
func (m *mentions) checkLevel(l *query.Level) {
	for _, s := range l.Sources {
		if s.Range != nil {
			m.checkTable(s.Table)
		}
	}
	switch s := l.Node.(type) {
	case *pgparse.InsertStmt:
		m.checkInsert(l, s)
	case *pgparse.UpdateStmt:
		m.checkTargets(l, s.GetTargetList())
	case *pgparse.MergeStmt:
		for _, n := range s.GetMergeWhenClauses() {
			m.checkTargets(l, n.GetMergeWhenClause().GetTargetList())
		}
	}
	m.checkRowVariable(l, query.OutputList(l.Node))
	for _, n := range l.Names {
		m.checkName(l, n)
	}
}

func (m *mentions) checkInsert(l *query.Level, s *pgparse.InsertStmt) {
	m.checkTargets(l, s.GetCols())
	if len(s.GetCols()) == 0 {
		m.checkPositionalInsert(s.GetSelectStmt().GetSelectStmt(), relationOf(l.Target))
	}
	c := s.GetOnConflictClause()
	for _, n := range c.GetInfer().GetIndexElems() {
		if m.isTarget(relationOf(l.Target)) && m.column != "" && n.GetIndexElem().GetName() == m.column {
			m.recordHit(true)
		}
	}
	m.checkTargets(l, c.GetTargetList())
}

// checkTargets looks at the names of the columns that a statement writes.
func (m *mentions) checkTargets(l *query.Level, list []*pgparse.Node) {
	if m.column == "" || !m.isTarget(relationOf(l.Target)) {
		return
	}
	for _, n := range list {
		if n.GetResTarget().GetName() == m.column {
			m.recordHit(true)
		}
	}
}

// checkPositionalInsert looks at an INSERT that names no columns: it needs as many as it
// has values.
func (m *mentions) checkPositionalInsert(q *pgparse.SelectStmt, rel *Relation) {
	if m.column == "" || !m.isTarget(rel) || q == nil {
		return
	}
	values := len(q.GetTargetList())
	if rows := q.GetValuesLists(); len(rows) > 0 {
		values = len(pgparse.ListItems(rows[0]))
	}
	columnIndex := slices.IndexFunc(rel.Columns, func(c *Column) bool { return c.Name == m.column })
	star := slices.ContainsFunc(q.GetTargetList(), func(n *pgparse.Node) bool {
		return pgparse.IsExpanding(n.GetResTarget().GetVal())
	})
	if star || rel.Inferred || rel.Partial || q.GetLarg() != nil {
		m.recordHit(false)
	} else if columnIndex >= 0 && columnIndex < values {
		m.recordHit(true)
	}
}

// checkRowVariable looks at what a statement gives: a variable that takes all columns of the
// relation has its fields.
func (m *mentions) checkRowVariable(l *query.Level, list []*pgparse.Node) {
	if len(m.into) != 1 || l.Outer != nil || len(list) != 1 {
		return
	}
	ref := list[0].GetResTarget().GetVal().GetColumnRef()
	if ref == nil || !pgparse.EndsInStar(ref) || !slices.ContainsFunc(l.Sources, func(s *query.Source) bool { return m.isTarget(relationOf(s)) }) {
		return
	}
	if m.rows == nil {
		m.rows = map[string]bool{}
	}
	m.rows[strings.ToLower(m.into[0])] = true
}
