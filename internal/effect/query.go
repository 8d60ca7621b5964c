package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/onward"
)

// lockQuery locks the relations that a SELECT reads, and those that its WITH writes.
func (r *run) lockQuery(msg any) {
	r.lockQueryLevel(query.BindScopes(msg))
}

// lockExpr locks the relations that an expression outside any query names.
func (r *run) lockExpr(n *pgparse.Node) {
	r.lockNode(n, query.BindExpr(n, query.NoRelations{}))
}

// lockQueryLevel locks the relations of one query and of those inside it.
func (r *run) lockQueryLevel(l *query.Level) {
	if l == nil || r.depth > maxDepth {
		return
	}
	r.depth++
	defer func() { r.depth-- }()
	switch m := l.Node.(type) {
	case *pgparse.SelectStmt:
		r.lockSelect(m, l, false)
	case *pgparse.InsertStmt:
		r.insertRows(m, l)
	case *pgparse.UpdateStmt:
		r.updateRows(m, l)
	case *pgparse.DeleteStmt:
		r.deleteRows(m, l)
	case *pgparse.MergeStmt:
		r.lockWithQueries(l)
		r.mergeRows(m)
		r.lockFromItem(m.GetSourceRelation(), l, true, nil)
		r.lockNode(m.GetJoinCondition(), l)
		r.lockNodes(l, m.GetMergeWhenClauses())
	}
}

// lockWithQueries carries out the WITH queries of a query.
func (r *run) lockWithQueries(l *query.Level) {
	for _, c := range l.With {
		r.lockQueryLevel(c.Query)
	}
}

func (r *run) lockNodes(l *query.Level, lists ...[]*pgparse.Node) {
	for _, list := range lists {
		for _, n := range list {
			r.lockNode(n, l)
		}
	}
}

// lockNode finds the relations and sub-queries in an expression or FROM item.
func (r *run) lockNode(n *pgparse.Node, l *query.Level) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.RangeVar:
			if l.CTE(x) != nil {
				return false
			}
			r.lockReadRelation(x, as)
			return false
		case *pgparse.FuncCall:
			r.lockCall(x)
		case *pgparse.SubLink:
			s := x.GetSubselect().GetSelectStmt()
			if inner := l.InnerLevel(s); x.GetSubLinkType() == pgparse.SubLinkType_EXISTS_SUBLINK && inner != nil && r.depth <= maxDepth {
				r.depth++
				r.lockSelect(s, inner, s.GetWhereClause() == nil && s.GetHavingClause() == nil && len(s.GetGroupClause()) == 0)
				r.depth--
				return false
			}
		case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
			r.lockQueryLevel(l.InnerLevel(m))
			return false
		}
		return true
	})
}

// lockCalls locks the relations that functions in an expression lock by name.
func (r *run) lockCalls(expr *pgparse.Node) {
	pgparse.Walk(expr, func(m any) bool {
		if f, ok := m.(*pgparse.FuncCall); ok {
			r.lockCall(f)
		}
		return true
	})
}

// lockCall locks the relations that a built-in function locks by name.
func (r *run) lockCall(f *pgparse.FuncCall) {
	switch pgparse.LastText(f.GetFuncname()) {
	case "nextval", "setval", "currval", "pg_sequence_last_value":
	default:
		return // pg_relation_size() and similar functions release the lock at once
	}
	if len(f.GetArgs()) == 0 {
		return
	}
	rel := r.ResolveRegclass(f.GetArgs()[0])
	switch {
	case rel == nil:
	case !r.namedOnly:
		r.lockRelation(rel, rx)
	case !r.prepares && r.V.AtLeast(14):
		r.lockRelation(rel, as) // it is not called, but the view depends on it
	}
}

// lockSelect carries out a SELECT. some: the caller needs only one row of it.
func (r *run) lockSelect(s *pgparse.SelectStmt, l *query.Level, some bool) {
	r.lockWithQueries(l)
	if s.GetLarg() != nil {
		for _, arm := range l.Arms {
			r.lockQueryLevel(arm)
		}
	}
	r.lockNodes(l, s.GetTargetList(), s.GetValuesLists(), s.GetGroupClause(), s.GetSortClause(), s.GetDistinctClause())
	// The relations in FROM are scanned in full, unless a condition or a limit restricts
	// the scan.
	whole := s.GetLimitCount() == nil && s.GetLarg() == nil && !some && !r.readsMinMaxOnly(s)
	for _, n := range s.GetFromClause() {
		r.lockFromItem(n, l, whole, s.GetWhereClause())
	}
	r.lockNode(s.GetWhereClause(), l)
	r.lockNode(s.GetHavingClause(), l)
	if into := s.GetIntoClause(); into != nil {
		r.recordCreated(r.NewName(into.GetRel()), catalog.Table)
	}
	if len(s.GetLockingClause()) > 0 {
		r.lockSelectedRows(s, l)
	}
}

// readsMinMaxOnly reports whether a SELECT only takes the smallest or the largest value of
// columns of one table, each the first column of an index. It then reads one row for
// each.
func (r *run) readsMinMaxOnly(s *pgparse.SelectStmt) bool {
	if len(s.GetFromClause()) != 1 || s.GetWhereClause() != nil || s.GetHavingClause() != nil ||
		len(s.GetGroupClause())+len(s.GetDistinctClause())+len(s.GetLockingClause()) > 0 {
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
				name := pgparse.LastText(x.GetFuncname())
				if (name == "max" || name == "min") && len(x.GetArgs()) == 1 && x.GetOver() == nil && x.GetAggFilter() == nil {
					ends = true
					other = other || !r.leadsIndex(rel, x.GetArgs()[0])
					return false
				}
				other = other || x.GetOver() != nil || contains(refusal.Aggregates, name)
			}
			return !other
		})
		if other {
			return false
		}
	}
	return ends
}

// leadsIndex reports whether an expression is the first column of a B-tree over all rows.
func (r *run) leadsIndex(rel *catalog.Relation, expr *pgparse.Node) bool {
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

// lockFromItem locks a FROM item. A table in it is scanned in full, unless a condition restricts
// it by an index.
func (r *run) lockFromItem(n *pgparse.Node, l *query.Level, whole bool, where *pgparse.Node) {
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.RangeVar:
		if l.CTE(m) != nil {
			return
		}
		mark := len(r.Effects)
		tables := r.lockReadRelation(m, as)
		for _, rel := range r.prunePartitions(mark, tables, m, where) {
			if whole && hasStorage(rel) && rel.Kind != catalog.Sequence && !r.hasIndexFor(rel, where) {
				e := r.effectOn(rel)
				if rel.Inferred && where != nil {
					e.Rows = true
					continue
				}
				e.Scans = true
			}
		}
	case *pgparse.JoinExpr:
		r.lockFromItem(m.GetLarg(), l, whole, where)
		r.lockFromItem(m.GetRarg(), l, whole, where)
		r.lockNode(m.GetQuals(), l)
	default:
		r.lockNode(n, l)
	}
}

// hasIndexFor reports whether a condition compares the first column of an index, so that the
// table need not be scanned in full.
func (r *run) hasIndexFor(rel *catalog.Relation, where *pgparse.Node) bool {
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
		for _, cond := range predicate.ListConjuncts(where) {
			if e, ok := pgparse.Unwrap(cond).(*pgparse.A_Expr); ok && refusal.OperatorName(e) != "<>" &&
				(predicate.IsColumn(e.GetLexpr(), col.Name) && !hasColumn(e.GetRexpr()) || predicate.IsColumn(e.GetRexpr(), col.Name) && !hasColumn(e.GetLexpr())) {
				return true
			}
		}
	}
	return false
}

// hasColumn reports whether an expression contains a column, as in a join condition.
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

// lockReadRelation locks a relation of a query: a view with everything that it reads, a parent with
// its children. It returns the tables that are finally read.
func (r *run) lockReadRelation(rv *pgparse.RangeVar, mode onward.Lock) []*catalog.Relation {
	rel := r.findTable(rv)
	if rel == nil {
		return nil
	}
	return r.lockReadTables(rel, mode, rv.GetInh(), "", &[]catalog.OID{})
}

// lockReadTables is lockReadRelation for a relation named by a query or by a view. views are the views
// already visited: several others may read the same view, and in a folded catalog a view
// may even read itself.
func (r *run) lockReadTables(rel *catalog.Relation, mode onward.Lock, all bool, reason string, views *[]catalog.OID) []*catalog.Relation {
	r.lockWithReason(rel, mode, reason)
	if r.namedOnly && !(r.prepares && rel.Kind == catalog.View && rel.View != nil) {
		return []*catalog.Relation{rel}
	}
	if rel.Kind == catalog.View && rel.View != nil {
		if contains(*views, rel.OID) {
			return nil
		}
		*views = append(*views, rel.OID)
		var out []*catalog.Relation
		for _, base := range r.C.RelationsByOID(rel.View.Reads) {
			out = append(out, r.lockReadTables(base, mode, true, "read by the view "+rel.Name.String(), views)...)
		}
		return out
	}
	tables := r.C.ListTree(rel, all && (rel.Kind.IsTable()))
	for _, k := range tables[1:] {
		r.lockWithReason(k, mode, childReason(k, rel))
	}
	return tables
}
