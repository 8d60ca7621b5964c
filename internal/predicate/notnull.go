package predicate

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ProvesNotNull reports whether a row for which a CHECK's condition is not false has the
// column not null. It uses the rule by which the server skips the scan of SET NOT NULL
// (NotNullImpliedByRelConstraints): the condition, or one that AND joins in it, is
// "column IS NOT NULL".
func ProvesNotNull(expr *pgparse.Node, column string) bool {
	return provesNotNull(expr, column, 0)
}

func provesNotNull(n *pgparse.Node, column string, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch m := pgparse.Unwrap(n).(type) {
	case *pgparse.NullTest:
		if row := m.GetArg().GetRowExpr(); row != nil && m.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL {
			// ROW (a, b) IS NOT NULL is a IS NOT NULL AND b IS NOT NULL.
			return slices.ContainsFunc(row.GetArgs(), func(a *pgparse.Node) bool { return IsColumn(a, column) })
		}
		return m.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL && !m.GetArgisrow() && IsColumn(m.GetArg(), column)
	case *pgparse.A_Expr:
		// a IS DISTINCT FROM NULL is a IS NOT NULL.
		null := func(n *pgparse.Node) bool { return n.GetAConst().GetIsnull() }
		return m.GetKind() == pgparse.A_Expr_Kind_AEXPR_DISTINCT &&
			(IsColumn(m.GetLexpr(), column) && null(m.GetRexpr()) || null(m.GetLexpr()) && IsColumn(m.GetRexpr(), column))
	case *pgparse.BoolExpr:
		argProves := func(a *pgparse.Node) bool { return provesNotNull(a, column, depth+1) }
		switch m.GetBoolop() {
		case pgparse.BoolExprType_AND_EXPR:
			return slices.ContainsFunc(m.GetArgs(), argProves)
		case pgparse.BoolExprType_OR_EXPR:
			return len(m.GetArgs()) > 0 && !slices.ContainsFunc(m.GetArgs(), func(a *pgparse.Node) bool { return !argProves(a) })
		case pgparse.BoolExprType_NOT_EXPR:
			t := m.GetArgs()[0].GetNullTest()
			return t != nil && t.GetNulltesttype() == pgparse.NullTestType_IS_NULL && IsColumn(t.GetArg(), column)
		}
	}
	return false
}
