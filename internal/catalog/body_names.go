package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
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
	depth       int
}

// names is what names mean at one level of a query.
type names struct {
	outer   *names
	sources []named
	ctes    []string
	output  []string // the names that targets are given
}

// named is an entry of FROM; rel is nil for a sub-query or function, and for
// what the catalog does not hold.
type named struct {
	alias string
	rel   *Relation
}

func (m *mentions) hit(sure bool) { m.found, m.sure = true, m.sure || sure && !m.body.loose }

// is reports whether a relation is the one that is looked for.
func (m *mentions) is(r *Relation) bool { return r != nil && r.OID == m.target.OID && r.OID != 0 }

// table is what a name of a relation means.
func (m *mentions) table(rv *pgparse.RangeVar, sc *names) named {
	schema, name := rangeName(rv)
	out := named{alias: name}
	if a := rv.GetAlias().GetAliasname(); a != "" {
		out.alias = a
	}
	for s := sc; s != nil && schema == ""; s = s.outer {
		if slices.Contains(s.ctes, name) {
			return out
		}
	}
	if m.catalog == nil {
		return out
	}
	r := m.catalog.find(schema, name)
	if r == nil && schema == "" && name == m.target.Name.Name {
		r = m.target // search_path is not what it was when the function was made
	}
	if len(rv.GetAlias().GetColnames()) == 0 {
		out.rel = r
	}
	if m.is(r) && m.column == "" {
		m.hit(true)
	}
	return out
}

func (m *mentions) with(w *pgparse.WithClause, outer *names) *names {
	sc := &names{outer: outer}
	for _, n := range w.GetCtes() {
		c := n.GetCommonTableExpr()
		if w.GetRecursive() {
			sc.ctes = append(sc.ctes, c.GetCtename())
		}
		m.statement(c.GetCtequery(), sc)
		sc.ctes = append(sc.ctes, c.GetCtename())
	}
	return sc
}

// statement looks at a statement of a body.
func (m *mentions) statement(n *pgparse.Node, outer *names) {
	if m.depth > maxDepth {
		return
	}
	m.depth++
	defer func() { m.depth-- }()
	switch s := pgparse.Unwrap(n).(type) {
	case nil:
	case *pgparse.SelectStmt:
		m.selectStmt(s, outer)
	case *pgparse.InsertStmt:
		m.insert(s, outer)
	case *pgparse.UpdateStmt:
		sc := m.with(s.GetWithClause(), outer)
		t := m.table(s.GetRelation(), sc)
		sc.sources = append(sc.sources, t)
		m.from(s.GetFromClause(), sc)
		m.targets(s.GetTargetList(), t.rel)
		m.exprs(s.GetTargetList(), sc)
		m.expr(s.GetWhereClause(), sc)
		m.returning(s.GetReturningClause().GetExprs(), sc)
	case *pgparse.DeleteStmt:
		sc := m.with(s.GetWithClause(), outer)
		sc.sources = append(sc.sources, m.table(s.GetRelation(), sc))
		m.from(s.GetUsingClause(), sc)
		m.expr(s.GetWhereClause(), sc)
		m.returning(s.GetReturningClause().GetExprs(), sc)
	case *pgparse.MergeStmt:
		sc := m.with(s.GetWithClause(), outer)
		t := m.table(s.GetRelation(), sc)
		sc.sources = append(sc.sources, t)
		m.from([]*pgparse.Node{s.GetSourceRelation()}, sc)
		m.expr(s.GetJoinCondition(), sc)
		for _, n := range s.GetMergeWhenClauses() {
			w := n.GetMergeWhenClause()
			m.expr(w.GetCondition(), sc)
			m.targets(w.GetTargetList(), t.rel)
			m.exprs(w.GetTargetList(), sc)
			m.exprs(w.GetValues(), sc)
		}
		m.returning(s.GetReturningClause().GetExprs(), sc)
	case *pgparse.TruncateStmt:
		for _, n := range s.GetRelations() {
			m.table(n.GetRangeVar(), outer)
		}
	case *pgparse.LockStmt:
		for _, n := range s.GetRelations() {
			m.table(n.GetRangeVar(), outer)
		}
	case *pgparse.CreateTableAsStmt:
		m.statement(s.GetQuery(), outer)
	case *pgparse.CallStmt:
		for _, a := range s.GetFunccall().GetArgs() {
			m.expr(a, outer)
		}
	}
}

func (m *mentions) insert(s *pgparse.InsertStmt, outer *names) {
	sc := m.with(s.GetWithClause(), outer)
	t := m.table(s.GetRelation(), sc)
	m.targets(s.GetCols(), t.rel)
	if len(s.GetCols()) == 0 {
		m.positional(s.GetSelectStmt().GetSelectStmt(), t.rel)
	}
	m.statement(s.GetSelectStmt(), sc)
	sc.sources = append(sc.sources, t)
	m.returning(s.GetReturningClause().GetExprs(), sc)
	if c := s.GetOnConflictClause(); c != nil {
		sc.sources = append(sc.sources, named{"excluded", t.rel})
		for _, n := range c.GetInfer().GetIndexElems() {
			if e := n.GetIndexElem(); m.is(t.rel) && m.column != "" && e.GetName() == m.column {
				m.hit(true)
			}
			m.expr(n.GetIndexElem().GetExpr(), sc)
		}
		m.expr(c.GetInfer().GetWhereClause(), sc)
		m.targets(c.GetTargetList(), t.rel)
		m.exprs(c.GetTargetList(), sc)
		m.expr(c.GetWhereClause(), sc)
	}
}

// targets looks at the names of the columns that a statement writes.
func (m *mentions) targets(list []*pgparse.Node, rel *Relation) {
	if m.column == "" || !m.is(rel) {
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
		values = len(items(rows[0]))
	}
	at := slices.IndexFunc(rel.Columns, func(c *Column) bool { return c.Name == m.column })
	star := slices.ContainsFunc(q.GetTargetList(), func(n *pgparse.Node) bool {
		return pgparse.Unwrap(n.GetResTarget().GetVal()) != nil && pgparse.Expands(n.GetResTarget().GetVal())
	})
	if star || rel.Inferred || rel.Partial || q.GetLarg() != nil {
		m.hit(false)
	} else if at >= 0 && at < values {
		m.hit(true)
	}
}

func (m *mentions) selectStmt(s *pgparse.SelectStmt, outer *names) {
	sc := m.with(s.GetWithClause(), outer)
	if s.GetLarg() != nil {
		m.selectOf(s.GetLarg(), sc)
		m.selectOf(s.GetRarg(), sc)
		return
	}
	for _, row := range s.GetValuesLists() {
		m.exprs(items(row), sc)
	}
	m.from(s.GetFromClause(), sc)
	m.returning(s.GetTargetList(), sc)
	m.expr(s.GetWhereClause(), sc)
	m.expr(s.GetHavingClause(), sc)
	m.expr(s.GetLimitCount(), sc)
	m.expr(s.GetLimitOffset(), sc)
	m.exprs(s.GetGroupClause(), sc)
	m.exprs(s.GetDistinctClause(), sc)
	m.exprs(s.GetWindowClause(), sc)
	for _, n := range s.GetTargetList() {
		sc.output = append(sc.output, n.GetResTarget().GetName())
	}
	for _, n := range s.GetSortClause() {
		by := n.GetSortBy().GetNode()
		if f := by.GetColumnRef().GetFields(); len(f) == 1 && slices.Contains(sc.output, str(f[0])) {
			continue // the name that a target was given comes first
		}
		m.expr(by, sc)
	}
}

func (m *mentions) selectOf(s *pgparse.SelectStmt, outer *names) {
	if m.depth > maxDepth {
		return
	}
	m.depth++
	m.selectStmt(s, outer)
	m.depth--
}

// returning looks at what a statement gives. A record that takes all columns of
// the relation has its fields.
func (m *mentions) returning(list []*pgparse.Node, sc *names) {
	for _, n := range list {
		val := n.GetResTarget().GetVal()
		if ref := val.GetColumnRef(); ref != nil && pgparse.EndsInStar(ref) && len(m.into) == 1 && sc.outer == nil && len(list) == 1 &&
			slices.ContainsFunc(sc.sources, func(s named) bool { return m.is(s.rel) }) {
			if m.rows == nil {
				m.rows = map[string]bool{}
			}
			m.rows[strings.ToLower(m.into[0])] = true
		}
		m.expr(val, sc)
	}
}

func (m *mentions) from(list []*pgparse.Node, sc *names) {
	for _, n := range list {
		switch e := pgparse.Unwrap(n).(type) {
		case nil:
		case *pgparse.RangeVar:
			sc.sources = append(sc.sources, m.table(e, sc))
		case *pgparse.JoinExpr:
			if m.depth > maxDepth {
				return
			}
			m.depth++
			m.from([]*pgparse.Node{e.GetLarg(), e.GetRarg()}, sc)
			m.depth--
			m.expr(e.GetQuals(), sc)
			if m.column != "" && slices.Contains(strs(e.GetUsingClause()), m.column) && slices.ContainsFunc(sc.sources, func(s named) bool { return m.is(s.rel) }) {
				m.hit(true)
			}
		case *pgparse.RangeSubselect:
			m.statement(e.GetSubquery(), sc)
			sc.sources = append(sc.sources, named{alias: e.GetAlias().GetAliasname()})
		case *pgparse.RangeFunction:
			for _, fn := range e.GetFunctions() {
				m.exprs(items(fn), sc)
			}
			sc.sources = append(sc.sources, named{alias: e.GetAlias().GetAliasname()})
		case *pgparse.RangeTableSample:
			m.from([]*pgparse.Node{e.GetRelation()}, sc)
		default:
			m.expr(n, sc)
			sc.sources = append(sc.sources, named{})
		}
	}
}
