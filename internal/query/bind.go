package query

import (
	"slices"
	"strconv"

	"github.com/onward-sql/onward/internal/pgparse"
)

// maxDepth bounds queries inside queries, and joins of joins.
const maxDepth = 1000

// BindStatement resolves the names in a SELECT, INSERT, UPDATE, DELETE or MERGE. For a statement
// that runs or stores a query (EXPLAIN, CREATE VIEW, CREATE TABLE AS, DECLARE, PREPARE,
// COPY) it resolves the query inside. It returns nil for any other statement. extra lists
// relations that are visible in addition to FROM, such as NEW and OLD in a rule. root is
// a *pgparse.Node, or the statement in it.
func BindStatement(root any, lookup Lookup, extra ...*Source) *Level {
	return bindRoot(&binder{lookup: lookup, inner: &levelIndex{}}, root, extra...)
}

func bindRoot(b *binder, root any, extra ...*Source) *Level {
	stmt := innerQuery(root)
	switch stmt.(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
	default:
		return nil
	}
	return b.bindStatement(stmt, wrapSources(extra), nil)
}

// BindScopes is a cheaper BindStatement without names and outputs. It finds the queries in a
// statement, the relations they read, and the WITH queries that each of them sees.
func BindScopes(root any) *Level {
	return bindRoot(&binder{lookup: NoRelations{}, bare: true, inner: &levelIndex{}}, root)
}

// BindExpr resolves the names in an expression outside any query, such as a condition or
// a default. The level's Names hold what the expression refers to.
func BindExpr(n *pgparse.Node, lookup Lookup, extra ...*Source) *Level {
	b := &binder{lookup: lookup, inner: &levelIndex{}}
	l := &Level{Sources: extra, inner: b.inner}
	b.bindExpr(l, Where, n)
	return l
}

// newOpenLevel returns a level that could not be read.
func newOpenLevel(outer *Level) *Level { return &Level{Outer: outer, Open: true} }

func wrapSources(extra []*Source) *Level {
	if len(extra) == 0 {
		return nil
	}
	return &Level{Sources: extra}
}

// innerQuery returns the query inside a statement, or the statement itself if it is a query.
func innerQuery(root any) any {
	if n, ok := root.(*pgparse.Node); ok {
		root = pgparse.Unwrap(n)
	}
	switch s := root.(type) {
	case *pgparse.ViewStmt:
		return pgparse.Unwrap(s.GetQuery())
	case *pgparse.CreateTableAsStmt:
		return pgparse.Unwrap(s.GetQuery())
	case *pgparse.ExplainStmt:
		return innerQuery(s.GetQuery())
	case *pgparse.DeclareCursorStmt:
		return pgparse.Unwrap(s.GetQuery())
	case *pgparse.PrepareStmt:
		return pgparse.Unwrap(s.GetQuery())
	case *pgparse.CopyStmt:
		return pgparse.Unwrap(s.GetQuery())
	}
	return root
}

type binder struct {
	lookup Lookup
	depth  int
	// bare skips names and outputs, for callers that do not need them.
	bare bool
	// clause is the clause that the binder is in.
	clause Clause
	// inner holds the levels of all queries in the statement.
	inner *levelIndex
}

// bindStatement binds one query. recursiveCTE is the WITH query that it is the body of, if that query may read
// itself; else nil.
func (b *binder) bindStatement(stmt any, outer *Level, recursiveCTE *CTE) *Level {
	if b.depth >= maxDepth {
		return newOpenLevel(outer)
	}
	b.depth++
	defer func() { b.depth-- }()
	switch s := stmt.(type) {
	case *pgparse.SelectStmt:
		return b.bindSelect(s, outer, recursiveCTE)
	case *pgparse.InsertStmt:
		return b.bindInsert(s, outer)
	case *pgparse.UpdateStmt:
		l := b.beginLevel(s, s.GetWithClause(), outer)
		b.bindTarget(l, s.GetRelation())
		b.bindFrom(l, s.GetFromClause())
		b.bindExprs(l, Where, s.GetWhereClause())
		b.bindExprs(l, Targets, s.GetTargetList()...)
		b.bindReturning(l, s.GetReturningClause())
		return l
	case *pgparse.DeleteStmt:
		l := b.beginLevel(s, s.GetWithClause(), outer)
		b.bindTarget(l, s.GetRelation())
		b.bindFrom(l, s.GetUsingClause())
		b.bindExprs(l, Where, s.GetWhereClause())
		b.bindReturning(l, s.GetReturningClause())
		return l
	case *pgparse.MergeStmt:
		l := b.beginLevel(s, s.GetWithClause(), outer)
		b.bindTarget(l, s.GetRelation())
		b.bindFromItem(l, s.GetSourceRelation())
		b.bindExprs(l, Where, s.GetJoinCondition())
		for _, n := range s.GetMergeWhenClauses() {
			w := n.GetMergeWhenClause()
			b.bindExprs(l, When, w.GetCondition())
			b.bindExprs(l, When, w.GetValues()...)
			b.bindExprs(l, When, w.GetTargetList()...)
		}
		b.bindReturning(l, s.GetReturningClause())
		return l
	}
	// EXECUTE of a prepared statement: nothing is known of it.
	return newOpenLevel(outer)
}

// newLevel creates a level. It sees the sources that precede it in the outer level.
func (b *binder) newLevel(node any, outer *Level) *Level {
	l := &Level{Node: node, Outer: outer, Clause: b.clause, inner: b.inner}
	if outer != nil {
		l.sees = len(outer.Sources)
	}
	b.inner.addLevel(l)
	return l
}

// beginLevel makes a level and binds its WITH queries.
func (b *binder) beginLevel(node any, w *pgparse.WithClause, outer *Level) *Level {
	l := b.newLevel(node, outer)
	list := w.GetCtes()
	if len(list) == 0 {
		return l
	}
	l.With, l.withNames = make([]*CTE, len(list)), make(map[string]int, len(list))
	for i, n := range slices.Backward(list) {
		c := n.GetCommonTableExpr()
		l.With[i] = &CTE{Node: c, Name: pgparse.ClipName(c.GetCtename()), Open: true, Recursive: w.GetRecursive()}
		l.withNames[l.With[i].Name] = i
	}
	for i, c := range l.With {
		scope := l.withoutSources()
		scope.With = l.With[:i:i]
		var recursiveCTE *CTE
		if w.GetRecursive() {
			scope.With, recursiveCTE = l.With, c // RECURSIVE: it may read itself and the WITH queries that follow
		}
		c.Query = b.bindStatement(pgparse.Unwrap(c.Node.GetCtequery()), scope, recursiveCTE)
		c.setOutputs(c.Query)
	}
	return l
}

// setOutputs sets the columns of a WITH query.
func (c *CTE) setOutputs(q *Level) {
	c.Outputs = renameOutputs(q.Outputs, c.Node.GetAliascolnames())
	c.Open = q.Open || c.Node.GetSearchClause() != nil || c.Node.GetCycleClause() != nil
}

func (b *binder) bindSelect(s *pgparse.SelectStmt, outer *Level, recursiveCTE *CTE) *Level {
	if s == nil {
		return newOpenLevel(outer)
	}
	l := b.beginLevel(s, s.GetWithClause(), outer)
	if s.GetLarg() != nil {
		b.bindArms(l, s, recursiveCTE)
		return l
	}
	if rows := s.GetValuesLists(); len(rows) > 0 {
		b.bindRows(l, rows)
		return l
	}
	b.bindFrom(l, s.GetFromClause())
	b.bindOutputs(l, Targets, s.GetTargetList())
	b.bindExprs(l, Where, s.GetWhereClause())
	b.bindExprs(l, Having, s.GetHavingClause())
	b.bindExprs(l, Group, s.GetGroupClause()...)
	b.bindExprs(l, Sort, s.GetSortClause()...)
	b.bindExprs(l, Distinct, s.GetDistinctClause()...)
	b.bindExprs(l, Window, s.GetWindowClause()...)
	b.bindExprs(l, Limit, s.GetLimitCount(), s.GetLimitOffset())
	return l
}

// bindArms binds both sides of a UNION. The first side of a recursive query defines its
// columns.
func (b *binder) bindArms(l *Level, s *pgparse.SelectStmt, recursiveCTE *CTE) {
	if b.depth >= maxDepth {
		l.Open = true
		return
	}
	b.depth++
	defer func() { b.depth-- }()
	left := b.bindSelect(s.GetLarg(), l, nil)
	if recursiveCTE != nil {
		recursiveCTE.setOutputs(left)
	}
	right := b.bindSelect(s.GetRarg(), l, nil)
	l.Arms, l.Outputs, l.Open = []*Level{left, right}, left.Outputs, left.Open
	b.bindExprs(l, Limit, s.GetLimitCount(), s.GetLimitOffset())
}

// bindRows binds VALUES.
func (b *binder) bindRows(l *Level, rows []*pgparse.Node) {
	for i, row := range rows {
		list := pgparse.ListItems(row)
		b.bindExprs(l, Values, list...)
		for j, e := range list {
			if l.Open = l.Open || pgparse.IsExpanding(e); i == 0 {
				l.Outputs = append(l.Outputs, Output{Name: "column" + strconv.Itoa(j+1), Expr: e, Level: l})
			}
		}
	}
}

// bindInsert binds an INSERT: its query does not see the target.
func (b *binder) bindInsert(s *pgparse.InsertStmt, outer *Level) *Level {
	l := b.beginLevel(s, s.GetWithClause(), outer)
	b.bindTarget(l, s.GetRelation())
	if s.GetSelectStmt() != nil {
		l.Query = b.bindStatement(pgparse.Unwrap(s.GetSelectStmt()), l.withoutSources(), nil)
	}
	if c := s.GetOnConflictClause(); c != nil {
		l.Excluded = &Source{Alias: "excluded", Range: l.Target.Range, Table: l.Target.Table, Open: l.Target.Open}
		for _, n := range c.GetInfer().GetIndexElems() {
			b.bindExprs(l, Conflict, n.GetIndexElem().GetExpr())
		}
		b.bindExprs(l, Conflict, c.GetInfer().GetWhereClause())
		b.bindExprs(l, Conflict, c.GetTargetList()...)
		b.bindExprs(l, Conflict, c.GetWhereClause())
	}
	b.bindReturning(l, s.GetReturningClause())
	return l
}

// withoutSources returns the scope of a query that cannot see the sources of its outer level,
// only the WITH queries and the levels further out.
func (l *Level) withoutSources() *Level {
	if len(l.With) == 0 {
		return l.Outer
	}
	return &Level{Outer: l.Outer, With: l.With, withNames: l.withNames, sees: l.sees, Clause: l.Clause}
}

// bindTarget adds what a statement writes to.
func (b *binder) bindTarget(l *Level, rv *pgparse.RangeVar) {
	s := &Source{Alias: aliasOf(rv), Range: rv, Table: b.lookup.Table(rv)}
	s.Open = s.Table == nil
	l.Target = s
	l.Sources = append(l.Sources, s)
}

func (b *binder) bindReturning(l *Level, r *pgparse.ReturningClause) {
	if r == nil {
		return
	}
	for _, name := range [...]string{"old", "new"} {
		l.Rows = append(l.Rows, &Source{Alias: name, Range: l.Target.Range, Table: l.Target.Table, Open: l.Target.Open})
	}
	b.bindOutputs(l, Returning, r.GetExprs())
}

// Lookup knows relations; a catalog is one. It is asked once for each name of a relation
// that is not a WITH query, in Postgres' order.
type Lookup interface {
	// Table returns the relation that a name means. nil means that it is not known, which
	// does not mean that it does not exist.
	Table(rv *pgparse.RangeVar) Table
}

// Table is a relation, with what a Lookup knows about it.
type Table interface {
	// HasColumn reports whether it is known to have a column.
	HasColumn(name string) bool
	// AllColumns returns the known columns, in order.
	AllColumns() []string
	// HasUnknownColumns reports whether it may have columns that are not known.
	HasUnknownColumns() bool
}

// NoRelations is a Lookup that knows no relation.
type NoRelations struct{}

// Table returns nil.
func (NoRelations) Table(*pgparse.RangeVar) Table { return nil }

// SystemColumn reports whether a column is one that every table has without declaring it.
func SystemColumn(name string) bool {
	switch name {
	case "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax", "oid":
		return true
	}
	return false
}
