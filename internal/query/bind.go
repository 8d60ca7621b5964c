package query

import "github.com/onward-sql/onward/internal/pgparse"

// maxDepth bounds queries inside queries, and joins of joins.
const maxDepth = 1000

// Bind resolves the names of a SELECT, INSERT, UPDATE, DELETE or MERGE, or of
// the one inside a statement that runs or keeps it (EXPLAIN, CREATE VIEW,
// CREATE TABLE AS, DECLARE, PREPARE, COPY); nil for any other statement. extra
// are relations that are visible beside those of FROM, such as NEW and OLD in a
// rule. root is a *pgparse.Node, or the statement in it.
func Bind(root any, lookup Lookup, extra ...*Source) *Level {
	return bind(&binder{lookup: lookup, inner: &inside{}}, root, extra...)
}

func bind(b *binder, root any, extra ...*Source) *Level {
	stmt := inner(root)
	switch stmt.(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
	default:
		return nil
	}
	return b.statement(stmt, around(extra), nil)
}

// Scopes is Bind without names and outputs: which queries stand in a statement,
// what they read, and what WITH makes visible. It costs less.
func Scopes(root any) *Level {
	return bind(&binder{lookup: Nothing{}, bare: true, inner: &inside{}}, root)
}

// BindExpr resolves the names of an expression that stands in no query: a
// condition, a default. What it reads is in the names of the level.
func BindExpr(n *pgparse.Node, lookup Lookup, extra ...*Source) *Level {
	b := &binder{lookup: lookup, inner: &inside{}}
	l := &Level{Sources: extra, inner: b.inner}
	b.expr(l, Where, n)
	return l
}

// open is a level that could not be read.
func open(outer *Level) *Level { return &Level{Outer: outer, Open: true} }

func around(extra []*Source) *Level {
	if len(extra) == 0 {
		return nil
	}
	return &Level{Sources: extra}
}

// inner is the query that a statement is about.
func inner(root any) any {
	if n, ok := root.(*pgparse.Node); ok {
		root = pgparse.Unwrap(n)
	}
	switch s := root.(type) {
	case *pgparse.ViewStmt:
		return pgparse.Unwrap(s.GetQuery())
	case *pgparse.CreateTableAsStmt:
		return pgparse.Unwrap(s.GetQuery())
	case *pgparse.ExplainStmt:
		return inner(s.GetQuery())
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
	// bare: nobody asks for names and outputs.
	bare bool
	// clause is the one that the binder is in.
	clause Clause
	// inner are the levels of the queries inside the statement.
	inner *inside
}

// statement binds one query. self is the WITH query that it is, when that may
// read itself.
func (b *binder) statement(stmt any, outer *Level, self *CTE) *Level {
	if b.depth >= maxDepth {
		return open(outer)
	}
	b.depth++
	defer func() { b.depth-- }()
	switch s := stmt.(type) {
	case *pgparse.SelectStmt:
		return b.selectStmt(s, outer, self)
	case *pgparse.InsertStmt:
		return b.insert(s, outer)
	case *pgparse.UpdateStmt:
		l := b.begin(s, s.GetWithClause(), outer)
		b.target(l, s.GetRelation())
		b.from(l, s.GetFromClause())
		b.exprs(l, Where, s.GetWhereClause())
		b.exprs(l, Targets, s.GetTargetList()...)
		b.returning(l, s.GetReturningClause())
		return l
	case *pgparse.DeleteStmt:
		l := b.begin(s, s.GetWithClause(), outer)
		b.target(l, s.GetRelation())
		b.from(l, s.GetUsingClause())
		b.exprs(l, Where, s.GetWhereClause())
		b.returning(l, s.GetReturningClause())
		return l
	case *pgparse.MergeStmt:
		l := b.begin(s, s.GetWithClause(), outer)
		b.target(l, s.GetRelation())
		b.fromItem(l, s.GetSourceRelation())
		b.exprs(l, Where, s.GetJoinCondition())
		for _, n := range s.GetMergeWhenClauses() {
			w := n.GetMergeWhenClause()
			b.exprs(l, When, w.GetCondition())
			b.exprs(l, When, w.GetValues()...)
			b.exprs(l, When, w.GetTargetList()...)
		}
		b.returning(l, s.GetReturningClause())
		return l
	}
	// EXECUTE of a prepared statement: nothing is known of it.
	return open(outer)
}

// level makes a level that sees what stands before it in the one around it.
func (b *binder) level(node any, outer *Level) *Level {
	l := &Level{Node: node, Outer: outer, Clause: b.clause, inner: b.inner}
	if outer != nil {
		l.sees = len(outer.Sources)
	}
	b.inner.add(l)
	return l
}

// begin makes a level and binds its WITH queries.
func (b *binder) begin(node any, w *pgparse.WithClause, outer *Level) *Level {
	l := b.level(node, outer)
	list := w.GetCtes()
	if len(list) == 0 {
		return l
	}
	l.With = make([]*CTE, len(list))
	for i, n := range list {
		c := n.GetCommonTableExpr()
		l.With[i] = &CTE{Node: c, Name: pgparse.Clip(c.GetCtename()), Open: true, Recursive: w.GetRecursive()}
	}
	for i, c := range l.With {
		around := l.unseen()
		around.With = l.With[:i:i]
		var self *CTE
		if w.GetRecursive() {
			around.With, self = l.With, c // it may read itself, and those behind it
		}
		c.Query = b.statement(pgparse.Unwrap(c.Node.GetCtequery()), around, self)
		c.gives(c.Query)
	}
	return l
}

// gives sets the columns of a WITH query.
func (c *CTE) gives(q *Level) {
	c.Outputs = renamed(q.Outputs, c.Node.GetAliascolnames())
	c.Open = q.Open || c.Node.GetSearchClause() != nil || c.Node.GetCycleClause() != nil
}

func (b *binder) selectStmt(s *pgparse.SelectStmt, outer *Level, self *CTE) *Level {
	if s == nil {
		return open(outer)
	}
	l := b.begin(s, s.GetWithClause(), outer)
	if s.GetLarg() != nil {
		b.arms(l, s, self)
		return l
	}
	if rows := s.GetValuesLists(); len(rows) > 0 {
		b.rows(l, rows)
		return l
	}
	b.from(l, s.GetFromClause())
	b.outputs(l, Targets, s.GetTargetList())
	b.exprs(l, Where, s.GetWhereClause())
	b.exprs(l, Having, s.GetHavingClause())
	b.exprs(l, Group, s.GetGroupClause()...)
	b.exprs(l, Sort, s.GetSortClause()...)
	b.exprs(l, Distinct, s.GetDistinctClause()...)
	b.exprs(l, Window, s.GetWindowClause()...)
	b.exprs(l, Limit, s.GetLimitCount(), s.GetLimitOffset())
	return l
}

// arms binds both sides of a UNION. What a recursive query gives is what its
// first side gives.
func (b *binder) arms(l *Level, s *pgparse.SelectStmt, self *CTE) {
	if b.depth >= maxDepth {
		l.Open = true
		return
	}
	b.depth++
	defer func() { b.depth-- }()
	left := b.selectStmt(s.GetLarg(), l, nil)
	if self != nil {
		self.gives(left)
	}
	right := b.selectStmt(s.GetRarg(), l, nil)
	l.Arms, l.Outputs, l.Open = []*Level{left, right}, left.Outputs, left.Open
	b.exprs(l, Limit, s.GetLimitCount(), s.GetLimitOffset())
}

// rows binds VALUES.
func (b *binder) rows(l *Level, rows []*pgparse.Node) {
	for i, row := range rows {
		list := pgparse.Items(row)
		b.exprs(l, Values, list...)
		for j, e := range list {
			if l.Open = l.Open || pgparse.Expands(e); i == 0 {
				l.Outputs = append(l.Outputs, Output{Name: columnNumber(j + 1), Expr: e, Level: l})
			}
		}
	}
}

// insert binds an INSERT: its query does not see the target.
func (b *binder) insert(s *pgparse.InsertStmt, outer *Level) *Level {
	l := b.begin(s, s.GetWithClause(), outer)
	b.target(l, s.GetRelation())
	if s.GetSelectStmt() != nil {
		l.Query = b.statement(pgparse.Unwrap(s.GetSelectStmt()), l.unseen(), nil)
	}
	if c := s.GetOnConflictClause(); c != nil {
		l.Excluded = &Source{Alias: "excluded", Range: l.Target.Range, Table: l.Target.Table, Open: l.Target.Open}
		for _, n := range c.GetInfer().GetIndexElems() {
			b.exprs(l, Conflict, n.GetIndexElem().GetExpr())
		}
		b.exprs(l, Conflict, c.GetInfer().GetWhereClause())
		b.exprs(l, Conflict, c.GetTargetList()...)
		b.exprs(l, Conflict, c.GetWhereClause())
	}
	b.returning(l, s.GetReturningClause())
	return l
}

// unseen is what a query inside sees of a level whose sources it does not see:
// the WITH queries, and what is around.
func (l *Level) unseen() *Level {
	if len(l.With) == 0 {
		return l.Outer
	}
	return &Level{Outer: l.Outer, With: l.With, sees: l.sees, Clause: l.Clause}
}

// target adds what a statement writes to.
func (b *binder) target(l *Level, rv *pgparse.RangeVar) {
	s := &Source{Alias: aliasOf(rv), Range: rv, Table: b.lookup.Table(rv)}
	s.Open = s.Table == nil
	l.Target = s
	l.Sources = append(l.Sources, s)
}

func (b *binder) returning(l *Level, r *pgparse.ReturningClause) {
	if r == nil {
		return
	}
	for _, name := range [...]string{"old", "new"} {
		l.Rows = append(l.Rows, &Source{Alias: name, Range: l.Target.Range, Table: l.Target.Table, Open: l.Target.Open})
	}
	b.outputs(l, Returning, r.GetExprs())
}
