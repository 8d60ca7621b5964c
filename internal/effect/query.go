package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/onward"
)

// query locks what a SELECT reads, and what statements in its WITH write.
func (r *run) query(msg any) {
	r.queryIn(query.Scopes(msg))
}

// expr locks what an expression names that stands in no query.
func (r *run) expr(n *pgparse.Node) {
	r.node(n, query.BindExpr(n, query.Nothing{}))
}

// queryIn is one query of a statement, with those inside it.
func (r *run) queryIn(l *query.Level) {
	if l == nil || r.depth > maxDepth {
		return
	}
	r.depth++
	defer func() { r.depth-- }()
	switch m := l.Node.(type) {
	case *pgparse.SelectStmt:
		r.selectStmt(m, l, false)
	case *pgparse.InsertStmt:
		r.insert(m, l)
	case *pgparse.UpdateStmt:
		r.update(m, l)
	case *pgparse.DeleteStmt:
		r.deleteFrom(m, l)
	case *pgparse.MergeStmt:
		r.with(l)
		r.merge(m)
		r.from(m.GetSourceRelation(), l, true, nil)
		r.node(m.GetJoinCondition(), l)
		r.nodes(l, m.GetMergeWhenClauses())
	}
}

// with is what the WITH queries of a query do.
func (r *run) with(l *query.Level) {
	for _, c := range l.With {
		r.queryIn(c.Query)
	}
}

func (r *run) nodes(l *query.Level, lists ...[]*pgparse.Node) {
	for _, list := range lists {
		for _, n := range list {
			r.node(n, l)
		}
	}
}

// node finds the relations and sub-queries in an expression or FROM item.
func (r *run) node(n *pgparse.Node, l *query.Level) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.RangeVar:
			if l.CTE(x) != nil {
				return false
			}
			r.read(x, as)
			return false
		case *pgparse.FuncCall:
			r.call(x)
		case *pgparse.SubLink:
			s := x.GetSubselect().GetSelectStmt()
			if inner := l.Inner(s); x.GetSubLinkType() == pgparse.SubLinkType_EXISTS_SUBLINK && inner != nil && r.depth <= maxDepth {
				r.depth++
				r.selectStmt(s, inner, s.GetWhereClause() == nil && s.GetHavingClause() == nil && len(s.GetGroupClause()) == 0)
				r.depth--
				return false
			}
		case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
			r.queryIn(l.Inner(m))
			return false
		}
		return true
	})
}

// calls locks what the functions in an expression lock by name.
func (r *run) calls(expr *pgparse.Node) {
	pgparse.Walk(expr, func(m any) bool {
		if f, ok := m.(*pgparse.FuncCall); ok {
			r.call(f)
		}
		return true
	})
}

// call locks what functions of the server lock by name.
func (r *run) call(f *pgparse.FuncCall) {
	switch pgparse.Last(f.GetFuncname()) {
	case "nextval", "setval", "currval", "pg_sequence_last_value":
	default:
		return // pg_relation_size() and its like let go at once
	}
	if len(f.GetArgs()) == 0 {
		return
	}
	if rel := r.Regclass(f.GetArgs()[0]); rel != nil {
		r.lock(rel, rx)
	}
}

// selectStmt is a SELECT; some says that one row of it is enough.
func (r *run) selectStmt(s *pgparse.SelectStmt, l *query.Level, some bool) {
	r.with(l)
	if s.GetLarg() != nil {
		for _, arm := range l.Arms {
			r.queryIn(arm)
		}
	}
	r.nodes(l, s.GetTargetList(), s.GetValuesLists(), s.GetGroupClause(), s.GetSortClause(), s.GetDistinctClause())
	// What FROM names is scanned in full, unless a condition or a limit says less.
	whole := s.GetLimitCount() == nil && s.GetLarg() == nil && !some && !r.atTheEnds(s)
	for _, n := range s.GetFromClause() {
		r.from(n, l, whole, s.GetWhereClause())
	}
	r.node(s.GetWhereClause(), l)
	r.node(s.GetHavingClause(), l)
	if into := s.GetIntoClause(); into != nil {
		r.create(r.NewName(into.GetRel()), catalog.Table)
	}
	if len(s.GetLockingClause()) > 0 {
		r.rowLocks(s, l)
	}
}

// atTheEnds reports whether a SELECT takes from one table nothing but the
// smallest or the largest value of columns which have an index that begins with
// them: it reads one row each.
func (r *run) atTheEnds(s *pgparse.SelectStmt) bool {
	if len(s.GetFromClause()) != 1 || s.GetWhereClause() != nil || s.GetHavingClause() != nil || len(s.GetGroupClause())+len(s.GetDistinctClause())+len(s.GetLockingClause()) > 0 {
		return false
	}
	rv := s.GetFromClause()[0].GetRangeVar()
	rel := r.C.Lookup(rv.GetSchemaname(), rv.GetRelname())
	if rel == nil || rel.Inferred || rel.HasKids() {
		return false
	}
	ends := false
	for _, n := range s.GetTargetList() {
		other := false
		pgparse.Walk(n, func(m any) bool {
			switch x := m.(type) {
			case *pgparse.ColumnRef, *pgparse.SubLink:
				other = true
			case *pgparse.FuncCall:
				name := pgparse.Last(x.GetFuncname())
				if (name == "max" || name == "min") && len(x.GetArgs()) == 1 && x.GetOver() == nil && x.GetAggFilter() == nil {
					ends = true
					other = other || !r.leads(rel, x.GetArgs()[0])
					return false
				}
				other = other || x.GetOver() != nil || contains(answer.Aggregates, name)
			}
			return !other
		})
		if other {
			return false
		}
	}
	return ends
}

// leads reports whether an expression is a column that a B-tree of all rows
// begins with.
func (r *run) leads(rel *catalog.Relation, expr *pgparse.Node) bool {
	for _, i := range r.C.IndexesOf(rel) {
		if i.Index == nil || i.Index.Method != "btree" && i.Index.Method != "" || i.Index.Predicate != nil || !i.Index.Valid || len(i.Index.Keys) == 0 {
			continue
		}
		if col := rel.Attr(i.Index.Keys[0].Column); col != nil && predicate.IsColumn(expr, col.Name) {
			return true
		}
	}
	return false
}

// from locks a FROM item; a table in it that no condition narrows by an index
// is scanned in full.
func (r *run) from(n *pgparse.Node, l *query.Level, whole bool, where *pgparse.Node) {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if l.CTE(m) != nil {
			return
		}
		mark := len(r.Effects)
		tables := r.read(m, as)
		for _, rel := range r.prune(mark, tables, m, where) {
			if whole && stored(rel) && rel.Kind != catalog.Sequence && !r.indexed(rel, where) {
				e := r.at(rel)
				if rel.Inferred && where != nil {
					e.Rows = true
					continue
				}
				e.Scans = true
			}
		}
	case *pgparse.JoinExpr:
		r.from(m.GetLarg(), l, whole, where)
		r.from(m.GetRarg(), l, whole, where)
		r.node(m.GetQuals(), l)
	default:
		r.node(n, l)
	}
}

// indexed reports whether a condition compares the first column of an index
// with something, so that the table need not be scanned in full.
func (r *run) indexed(rel *catalog.Relation, where *pgparse.Node) bool {
	if where == nil {
		return false
	}
	for _, i := range r.C.IndexesOf(rel) {
		if i.Index == nil || len(i.Index.Keys) == 0 {
			continue
		}
		col := rel.Attr(i.Index.Keys[0].Column)
		if col == nil {
			continue
		}
		for _, cond := range predicate.Conjuncts(where) {
			if e, ok := pgparse.Unwrap(cond).(*pgparse.A_Expr); ok && answer.Operator(e) != "<>" &&
				(predicate.IsColumn(e.GetLexpr(), col.Name) && !hasColumn(e.GetRexpr()) || predicate.IsColumn(e.GetRexpr(), col.Name) && !hasColumn(e.GetLexpr())) {
				return true
			}
		}
	}
	return false
}

// hasColumn reports whether an expression is no constant: a join condition.
func hasColumn(n *pgparse.Node) bool {
	found := false
	if n == nil {
		return false
	}
	pgparse.Walk(n, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.ColumnRef:
			found = found || !isRow(x)
		case *pgparse.SubLink:
			found = true
		}
		return !found
	})
	return found
}

// read locks a relation of a query: a view with all that it reads, a parent
// with its children. It gives the tables that are read in the end.
func (r *run) read(rv *pgparse.RangeVar, mode onward.Lock) []*catalog.Relation {
	rel := r.table(rv)
	if rel == nil {
		return nil
	}
	return r.readRelation(rel, mode, rv.GetInh(), "", &[]catalog.OID{})
}

// readRelation is read of what a query, or a view of views, names. views are
// those that were seen: one may be read by several others, and in a folded
// catalog by itself.
func (r *run) readRelation(rel *catalog.Relation, mode onward.Lock, all bool, why string, views *[]catalog.OID) []*catalog.Relation {
	r.lockFor(rel, mode, why)
	if rel.Kind == catalog.View && rel.View != nil {
		if contains(*views, rel.OID) {
			return nil
		}
		*views = append(*views, rel.OID)
		var out []*catalog.Relation
		for _, base := range r.C.Rels(rel.View.Reads) {
			out = append(out, r.readRelation(base, mode, true, "read by the view "+rel.Name.String(), views)...)
		}
		return out
	}
	tables := r.C.Tree(rel, all && (rel.Kind.IsTable()))
	for _, k := range tables[1:] {
		r.lockFor(k, mode, childOf(k, rel))
	}
	return tables
}
