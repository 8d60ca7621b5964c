package answer

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/refuse"
)

// asking is a query on the way to an answer, through the rules that rewrite it.
type asking struct {
	*Question
	depth int
	// bound says what names mean in the action of a rule.
	bound map[*pgparse.RangeVar]catalog.OID
	// firing are the rules at work.
	firing []Firing
	// within: the statement stands in a WITH.
	within bool
}

// query asks about a statement on rows.
func (q *Question) query(msg any) {
	a := asking{Question: q}
	a.queryIn(query.Scopes(msg))
}

// expr asks about an expression that stands in no query.
func (q *Question) expr(n *pgparse.Node) {
	a := asking{Question: q}
	a.node(n, query.BindExpr(n, query.Nothing{}))
}

// table is the relation that a name means here.
func (a *asking) table(rv *pgparse.RangeVar) *catalog.Relation {
	if oid, ok := a.bound[rv]; ok {
		return a.C.Relation(oid)
	}
	return a.Table(rv)
}

// queryIn is one query of a statement, with those inside of it.
func (a *asking) queryIn(l *query.Level) {
	if l == nil || a.depth > maxDepth {
		return
	}
	a.depth++
	defer func() { a.depth-- }()
	switch m := l.Node.(type) {
	case *pgparse.SelectStmt:
		a.selectStmt(m, l)
	case *pgparse.InsertStmt:
		a.insert(m, l)
	case *pgparse.UpdateStmt:
		a.update(m, l)
	case *pgparse.DeleteStmt:
		a.deleteFrom(m, l)
	case *pgparse.MergeStmt:
		a.merge(m, l)
	}
}

// with is what the WITH queries of a query do.
func (a *asking) with(l *query.Level) {
	within := a.within
	for _, c := range l.With {
		if word := traversal(c.Node); word != "" && !a.V.AtLeast(14) {
			a.Refuse(refuse.SyntaxAt, word)
		}
		a.within = true
		a.queryIn(c.Query)
		a.within = within
	}
}

// traversal is the word of a WITH query's SEARCH or CYCLE; "" when it has none.
func traversal(cte *pgparse.CommonTableExpr) string {
	switch {
	case cte.GetSearchClause() != nil:
		return "SEARCH"
	case cte.GetCycleClause() != nil:
		return "CYCLE"
	}
	return ""
}

func (a *asking) nodes(l *query.Level, lists ...[]*pgparse.Node) {
	for _, list := range lists {
		for _, n := range list {
			a.node(n, l)
		}
	}
}

// node finds the relations and sub-queries in an expression or FROM item.
func (a *asking) node(n *pgparse.Node, l *query.Level) {
	if n == nil {
		return
	}
	pgparse.Walk(n, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.RangeVar:
			if l.CTE(x) == nil {
				a.table(x)
			}
			return false
		case *pgparse.FuncCall:
			a.serialSequence(x)
			a.newerCall(x)
		case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt:
			a.queryIn(l.Inner(m))
			return false
		case *pgparse.RangeSubselect:
			if x.GetAlias() == nil && !a.V.AtLeast(16) {
				a.Refuse(refuse.FromAlias)
			}
		case *pgparse.ColumnRef, *pgparse.A_Const, *pgparse.Node:
		default:
			a.newerExpr(m)
		}
		return true
	})
}

// serialSequence refuses pg_get_serial_sequence() of a column that is not there.
func (q *Question) serialSequence(f *pgparse.FuncCall) {
	if len(f.GetArgs()) != 2 || pgparse.Last(f.GetFuncname()) != "pg_get_serial_sequence" {
		return
	}
	table, name := q.Regclass(f.GetArgs()[0]), predicate.End(f.GetArgs()[1])
	if table != nil && name != nil && q.Whole(table) && table.Kind.IsTable() && table.Column(name.Text) == nil {
		q.Refuse(refuse.ColumnMissing, name.Text, table.Name.Name)
	}
}

// Regclass is the relation that an argument names: a constant, or the sequence
// of a column, pg_get_serial_sequence('t', 'id').
func (q *Question) Regclass(arg *pgparse.Node) *catalog.Relation {
	for arg.GetTypeCast() != nil {
		arg = arg.GetTypeCast().GetArg()
	}
	if f := arg.GetFuncCall(); f != nil && pgparse.Last(f.GetFuncname()) == "pg_get_serial_sequence" && len(f.GetArgs()) == 2 {
		table, column := q.Regclass(f.GetArgs()[0]), predicate.End(f.GetArgs()[1])
		if table == nil || column == nil {
			return nil
		}
		if c := table.Column(column.Text); c != nil {
			return q.C.Relation(c.Sequence)
		}
		return nil
	}
	if b := predicate.End(arg); b != nil && b.Kind == predicate.Text {
		return q.C.Lookup(query.SplitName(b.Text))
	}
	return nil
}

func (a *asking) selectStmt(s *pgparse.SelectStmt, l *query.Level) {
	a.with(l)
	if s.GetLarg() != nil {
		for _, arm := range l.Arms {
			a.queryIn(arm)
		}
	}
	if s.GetGroupDistinct() && !a.V.AtLeast(14) {
		a.Refuse(refuse.SyntaxAt, "DISTINCT")
	}
	a.nodes(l, s.GetTargetList(), s.GetValuesLists(), s.GetGroupClause(), s.GetSortClause(), s.GetDistinctClause(), s.GetFromClause())
	a.node(s.GetWhereClause(), l)
	a.node(s.GetHavingClause(), l)
	if into := s.GetIntoClause(); into != nil {
		a.NewName(into.GetRel())
	}
	if len(s.GetLockingClause()) > 0 {
		a.rowLocks(s, l)
	}
}

func (a *asking) insert(m *pgparse.InsertStmt, l *query.Level) {
	a.with(l)
	a.target(m.GetRelation(), write{
		event: "insert", columns: TargetNames(m.GetCols()), returning: m.GetReturningClause() != nil, arbiter: m.GetOnConflictClause() != nil,
	})
	a.within = false
	a.queryIn(l.Query)
	if m.GetOnConflictClause().GetAction() == pgparse.OnConflictAction_ONCONFLICT_UPDATE {
		a.replicates("update", m.GetRelation(), nil, false)
	}
	a.nodes(l, m.GetOnConflictClause().GetTargetList(), m.GetReturningClause().GetExprs())
	a.node(m.GetOnConflictClause().GetWhereClause(), l)
	a.returningForm(m.GetReturningClause(), m.GetRelation(), 0)
}

func (a *asking) update(m *pgparse.UpdateStmt, l *query.Level) {
	a.with(l)
	a.target(m.GetRelation(), write{event: "update", columns: TargetNames(m.GetTargetList()), returning: m.GetReturningClause() != nil})
	a.within = false
	a.replicates("update", m.GetRelation(), m.GetWhereClause(), true)
	a.nodes(l, m.GetTargetList(), m.GetFromClause())
	a.node(m.GetWhereClause(), l)
	a.nodes(l, m.GetReturningClause().GetExprs())
	a.returningForm(m.GetReturningClause(), m.GetRelation(), len(m.GetFromClause()))
}

func (a *asking) deleteFrom(m *pgparse.DeleteStmt, l *query.Level) {
	a.with(l)
	a.target(m.GetRelation(), write{event: "delete", returning: m.GetReturningClause() != nil})
	a.within = false
	a.replicates("delete", m.GetRelation(), m.GetWhereClause(), true)
	a.nodes(l, m.GetUsingClause())
	a.node(m.GetWhereClause(), l)
	a.nodes(l, m.GetReturningClause().GetExprs())
	a.returningForm(m.GetReturningClause(), m.GetRelation(), len(m.GetUsingClause()))
}

func (a *asking) merge(m *pgparse.MergeStmt, l *query.Level) {
	a.with(l)
	if a.newerMerge(m) {
		a.mergeInto(m)
	}
	a.node(m.GetSourceRelation(), l)
	a.node(m.GetJoinCondition(), l)
	a.nodes(l, m.GetMergeWhenClauses())
}

// mergeInto asks about what a MERGE writes to.
func (a *asking) mergeInto(m *pgparse.MergeStmt) {
	if t := a.table(m.GetRelation()); t != nil && !a.merges(t) {
		a.Refuse(refuse.MergeTarget, t.Name.Name)
		return
	}
	a.target(m.GetRelation(), write{event: "merge"})
	does := func(what pgparse.CmdType) bool {
		for _, n := range m.GetMergeWhenClauses() {
			if n.GetMergeWhenClause().GetCommandType() == what {
				return true
			}
		}
		return false
	}
	if does(pgparse.CmdType_CMD_UPDATE) {
		a.replicates("update", m.GetRelation(), m.GetJoinCondition(), false)
	}
	if does(pgparse.CmdType_CMD_DELETE) {
		a.replicates("delete", m.GetRelation(), m.GetJoinCondition(), false)
	}
}

// merges reports whether MERGE can write to a relation: not where a rule is in
// force, and to views since 17.
func (q *Question) merges(t *catalog.Relation) bool {
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

// TargetNames are those of the columns that a statement gives values to.
func TargetNames(targets []*pgparse.Node) []string {
	var out []string
	for _, n := range targets {
		out = append(out, n.GetResTarget().GetName())
	}
	return out
}

// replicates refuses an UPDATE or DELETE of a table that is published and has no
// replica identity, whether or not there are rows; all says that it goes on to
// all partitions and children. A condition may leave one of those out.
// https://www.postgresql.org/docs/current/logical-replication-publication.html
func (q *Question) replicates(action string, rv *pgparse.RangeVar, where *pgparse.Node, all bool) {
	if !q.C.Publishes() {
		return
	}
	rel := q.C.Lookup(rv.GetSchemaname(), rv.GetRelname())
	if rel == nil || !rel.Kind.IsTable() {
		return
	}
	for _, t := range q.C.Tree(rel, all && rv.GetInh() && where == nil) {
		if t.Kind == catalog.PartitionedTable || t.Identified() || len(t.Rules) > 0 || !q.Whole(t) || where != nil && len(t.Children) > 0 {
			continue
		}
		for _, p := range q.C.Publications(t) {
			if p.Sends(action) {
				kind := refuse.PublishesUpdates
				if action == "delete" {
					kind = refuse.PublishesDeletes
				}
				q.Refuse(kind, t.Name.Name)
				return
			}
		}
	}
}
