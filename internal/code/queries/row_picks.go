package queries

import (
	"slices"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// picksOf returns how a statement picks the rows of its only relation: the same row each time, as WHERE id = 1
// and LIMIT 1 do, or some rows.
func picksOf(n *pgparse.Node) facts.Picks {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt:
		if len(x.GetFromClause()) == 1 && x.WhereClause == nil && len(x.GetGroupClause()) == 0 && isFirstRow(x) {
			return facts.PicksFixed
		}
		return classifyRowChoice(x.WhereClause)
	case *pgparse.UpdateStmt:
		return classifyRowChoice(x.WhereClause)
	case *pgparse.DeleteStmt:
		if classifyRowChoice(x.WhereClause) != facts.PicksFixed {
			return facts.PicksSome
		}
		return facts.PicksFixed
	}
	return facts.PicksUnknown
}

// isFirstRow reports whether a query returns one row, and does not ask for the last one.
func isFirstRow(q *pgparse.SelectStmt) bool {
	if q.GetLimitCount().GetAConst().GetIval().GetIval() != 1 {
		return false
	}
	return !slices.ContainsFunc(q.GetSortClause(), func(n *pgparse.Node) bool {
		return n.GetSortBy().GetSortbyDir() == pgparse.SortByDir_SORTBY_DESC
	})
}

// classifyRowChoice returns how a condition picks rows. Tests for NULL do not pick one.
func classifyRowChoice(where *pgparse.Node) facts.Picks {
	if where == nil {
		return facts.PicksUnknown
	}
	for _, n := range predicate.ListConjuncts(where) {
		e := n.GetAExpr()
		if e == nil || e.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP || pgparse.LastText(e.GetName()) != "=" || e.GetLexpr().GetColumnRef() == nil {
			continue
		}
		if c := e.GetRexpr().GetAConst(); c != nil && !c.GetIsnull() && c.GetSval() == nil {
			return facts.PicksFixed // a number or a boolean, as keys of such tables have
		}
	}
	compares := false
	pgparse.Walk(where, func(msg any) bool {
		switch msg.(type) {
		case *pgparse.A_Expr, *pgparse.SubLink, *pgparse.FuncCall:
			compares = true
		}
		return !compares
	})
	if compares {
		return facts.PicksSome
	}
	return facts.PicksUnknown
}
