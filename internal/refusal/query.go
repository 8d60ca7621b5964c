package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
)

// queryChecker is the state while one query is examined, through the rules that rewrite it.
type queryChecker struct {
	*Checker
	depth int
	// bound resolves names in the action of a rule.
	bound map[*pgparse.RangeVar]catalog.OID
	// firing are the rules whose actions are being checked, to find a recursion.
	firing []RuleEvent
	// within: the statement is in a WITH query.
	within bool
}

// checkQuery checks a statement on rows.
func (q *Checker) checkQuery(msg any) {
	a := queryChecker{Checker: q}
	a.checkQueryLevel(query.BindScopes(msg))
}

// checkExpr checks an expression outside any query.
func (q *Checker) checkExpr(n *pgparse.Node) {
	a := queryChecker{Checker: q}
	a.checkNode(n, query.BindExpr(n, query.NoRelations{}))
}

// resolveTable returns the relation that a name means here.
func (a *queryChecker) resolveTable(rv *pgparse.RangeVar) *catalog.Relation {
	if oid, ok := a.bound[rv]; ok {
		return a.C.Relation(oid)
	}
	return a.FindTable(rv)
}

// checkQueryLevel checks one query of a statement, with those inside of it.
func (a *queryChecker) checkQueryLevel(l *query.Level) {
	if l == nil || a.depth > maxDepth {
		return
	}
	a.depth++
	defer func() { a.depth-- }()
	switch m := l.Node.(type) {
	case *pgparse.SelectStmt:
		a.checkSelect(m, l)
	case *pgparse.InsertStmt:
		a.checkInsert(m, l)
	case *pgparse.UpdateStmt:
		a.checkUpdate(m, l)
	case *pgparse.DeleteStmt:
		a.checkDelete(m, l)
	case *pgparse.MergeStmt:
		a.checkMerge(m, l)
	}
}

// checkWith checks the WITH queries of a query.
func (a *queryChecker) checkWith(l *query.Level) {
	wasWithin := a.within
	for _, c := range l.With {
		if word := traversalWord(c.Node); word != "" && !a.V.AtLeast(14) {
			a.RecordRefusal(pgerror.SyntaxAt, word)
		}
		a.within = true
		a.checkQueryLevel(c.Query)
		a.within = wasWithin
	}
}

// traversalWord returns the keyword of a WITH query's SEARCH or CYCLE; "" for none.
func traversalWord(cte *pgparse.CommonTableExpr) string {
	switch {
	case cte.GetSearchClause() != nil:
		return "SEARCH"
	case cte.GetCycleClause() != nil:
		return "CYCLE"
	}
	return ""
}

func (a *queryChecker) checkNodes(l *query.Level, lists ...[]*pgparse.Node) {
	for _, list := range lists {
		for _, n := range list {
			a.checkNode(n, l)
		}
	}
}

// checkNode finds the relations and sub-queries in an expression or FROM item.
func (a *queryChecker) checkNode(n *pgparse.Node, l *query.Level) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.RangeVar:
			if l.CTE(x) == nil {
				a.resolveTable(x)
			}
			return false
		case *pgparse.FuncCall:
			a.checkSerialSequence(x)
			a.refuseNewerCall(x)
		case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
			a.checkQueryLevel(l.InnerLevel(m))
			return false
		case *pgparse.RangeSubselect:
			if x.GetAlias() == nil && !a.V.AtLeast(16) {
				a.RecordRefusal(pgerror.FromAlias)
			}
		case *pgparse.ColumnRef, *pgparse.A_Const, *pgparse.Node:
		default:
			a.refuseNewerExpr(m)
		}
		return true
	})
}

// checkSerialSequence refuses pg_get_serial_sequence() of a column that is not there.
func (q *Checker) checkSerialSequence(f *pgparse.FuncCall) {
	if len(f.GetArgs()) != 2 || pgparse.LastText(f.GetFuncname()) != "pg_get_serial_sequence" {
		return
	}
	table, name := q.ResolveRegclass(f.GetArgs()[0]), predicate.EndValue(f.GetArgs()[1])
	if table != nil && name != nil && q.IsFullyKnown(table) && table.Kind.IsTable() && table.Column(name.Text) == nil {
		q.RecordRefusal(pgerror.ColumnMissing, name.Text, table.Name.Name)
	}
}

// ResolveRegclass returns the relation that an argument names: a constant, or the sequence
// of a column, pg_get_serial_sequence('t', 'id').
func (q *Checker) ResolveRegclass(arg *pgparse.Node) *catalog.Relation {
	arg = pgparse.StripCasts(arg)
	if f := arg.GetFuncCall(); f != nil && pgparse.LastText(f.GetFuncname()) == "pg_get_serial_sequence" && len(f.GetArgs()) == 2 {
		table, column := q.ResolveRegclass(f.GetArgs()[0]), predicate.EndValue(f.GetArgs()[1])
		if table == nil || column == nil {
			return nil
		}
		if c := table.Column(column.Text); c != nil {
			return q.C.Relation(c.Sequence)
		}
		return nil
	}
	if b := predicate.EndValue(arg); b != nil && b.Kind == predicate.Text {
		return q.C.Lookup(query.SplitName(b.Text))
	}
	return nil
}

func (a *queryChecker) checkSelect(s *pgparse.SelectStmt, l *query.Level) {
	a.checkWith(l)
	if s.GetLarg() != nil {
		for _, arm := range l.Arms {
			a.checkQueryLevel(arm)
		}
	}
	if s.GetGroupDistinct() && !a.V.AtLeast(14) {
		a.RecordRefusal(pgerror.SyntaxAt, "DISTINCT")
	}
	a.checkNodes(l, s.GetTargetList(), s.GetValuesLists(), s.GetGroupClause(), s.GetSortClause(), s.GetDistinctClause(), s.GetFromClause())
	a.checkNode(s.GetWhereClause(), l)
	a.checkNode(s.GetHavingClause(), l)
	if intoClause := s.GetIntoClause(); intoClause != nil {
		a.NewName(intoClause.GetRel())
	}
	if len(s.GetLockingClause()) > 0 {
		a.checkRowLocks(s, l)
	}
}

func (a *queryChecker) checkInsert(m *pgparse.InsertStmt, l *query.Level) {
	a.checkWith(l)
	a.checkTarget(m.GetRelation(), write{
		event: "insert", columns: pgparse.TargetNames(m.GetCols()), returning: m.GetReturningClause() != nil, arbiter: m.GetOnConflictClause() != nil,
	})
	a.within = false
	a.checkQueryLevel(l.Query)
	if c := m.GetOnConflictClause(); pgparse.IsDoSelect(c) {
		switch {
		case m.GetReturningClause() == nil:
			a.RecordRefusal(pgerror.DoSelectReturning)
			return
		case c.GetInfer() == nil:
			a.RecordRefusal(pgerror.DoSelectInference)
			return
		}
	}
	if m.GetOnConflictClause().GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
		a.checkReplicaIdentity("update", m.GetRelation(), nil, false)
	}
	a.checkNodes(l, m.GetOnConflictClause().GetTargetList(), m.GetReturningClause().GetExprs())
	a.checkNode(m.GetOnConflictClause().GetWhereClause(), l)
	a.refuseNewerReturning(m.GetReturningClause(), m.GetRelation(), 0)
}

func (a *queryChecker) checkUpdate(m *pgparse.UpdateStmt, l *query.Level) {
	a.checkWith(l)
	a.checkTarget(m.GetRelation(), write{event: "update", columns: pgparse.TargetNames(m.GetTargetList()), returning: m.GetReturningClause() != nil})
	a.within = false
	a.checkReplicaIdentity("update", m.GetRelation(), m.GetWhereClause(), true)
	a.checkNodes(l, m.GetTargetList(), m.GetFromClause())
	a.checkNode(m.GetWhereClause(), l)
	a.checkNodes(l, m.GetReturningClause().GetExprs())
	a.refuseNewerReturning(m.GetReturningClause(), m.GetRelation(), len(m.GetFromClause()))
}

func (a *queryChecker) checkDelete(m *pgparse.DeleteStmt, l *query.Level) {
	a.checkWith(l)
	a.checkTarget(m.GetRelation(), write{event: "delete", returning: m.GetReturningClause() != nil})
	a.within = false
	a.checkReplicaIdentity("delete", m.GetRelation(), m.GetWhereClause(), true)
	a.checkNodes(l, m.GetUsingClause())
	a.checkNode(m.GetWhereClause(), l)
	a.checkNodes(l, m.GetReturningClause().GetExprs())
	a.refuseNewerReturning(m.GetReturningClause(), m.GetRelation(), len(m.GetUsingClause()))
}

func (a *queryChecker) checkMerge(m *pgparse.MergeStmt, l *query.Level) {
	a.checkWith(l)
	if a.checkMergeSyntax(m) {
		a.checkMergeTarget(m)
	}
	a.checkNode(m.GetSourceRelation(), l)
	a.checkNode(m.GetJoinCondition(), l)
	a.checkNodes(l, m.GetMergeWhenClauses())
}

// checkMergeTarget checks what a MERGE writes to.
func (a *queryChecker) checkMergeTarget(m *pgparse.MergeStmt) {
	if t := a.resolveTable(m.GetRelation()); t != nil && !a.canMergeInto(t) {
		a.RecordRefusal(pgerror.MergeTarget, t.Name.Name)
		return
	}
	a.checkTarget(m.GetRelation(), write{event: "merge"})
	hasAction := func(command pgparse.CmdType) bool {
		for _, n := range m.GetMergeWhenClauses() {
			if n.GetMergeWhenClause().GetCommandType() == command {
				return true
			}
		}
		return false
	}
	if hasAction(pgparse.CmdType_CMD_UPDATE) {
		a.checkReplicaIdentity("update", m.GetRelation(), m.GetJoinCondition(), false)
	}
	if hasAction(pgparse.CmdType_CMD_DELETE) {
		a.checkReplicaIdentity("delete", m.GetRelation(), m.GetJoinCondition(), false)
	}
}

// canMergeInto reports whether MERGE can write to a relation: not where a rule is in
// force, and to views since 17.
func (q *Checker) canMergeInto(t *catalog.Relation) bool {
	if t.Kind == catalog.View && t.View != nil && !q.V.AtLeast(17) {
		return false
	}
	for _, u := range t.Rules {
		if !u.Disabled || !q.V.AtLeast(17) {
			return false
		}
	}
	return true
}

// checkReplicaIdentity refuses an UPDATE or DELETE of a table that is published and whose changed rows cannot be identified,
// whether or not there are rows; all says that it goes on to all partitions and children. A condition may leave one of those out.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
func (q *Checker) checkReplicaIdentity(action string, rv *pgparse.RangeVar, condition *pgparse.Node, all bool) {
	if !q.C.HasPublications() {
		return
	}
	rel := q.C.Lookup(rv.GetSchemaname(), rv.GetRelname())
	if rel == nil || !rel.Kind.IsTable() {
		return
	}
	for _, t := range q.C.ListTree(rel, all && rv.GetInh() && condition == nil) {
		if t.Kind == catalog.PartitionedTable || len(t.Rules) > 0 || !q.IsFullyKnown(t) || condition != nil && len(t.Children) > 0 {
			continue
		}
		if fault := q.C.FindIdentityFault(t, action, func() bool { return q.V.AtLeast(18) }); fault != nil {
			kinds := map[string][2]pgerror.Kind{
				"update": {pgerror.UnidentifiedUpdate, pgerror.PublishesUpdates}, "delete": {pgerror.UnidentifiedDelete, pgerror.PublishesDeletes},
			}[action]
			kind := kinds[0]
			if fault.Reason == catalog.IdentityMissing {
				kind = kinds[1]
			}
			q.RecordRefusal(kind, t.Name.Name)
			return
		}
	}
}
