package predicate

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// IsDisjoint reports whether a condition excludes a range of a column: a > 9 excludes 1 to 5 of a. For AND one operand
// must exclude it, for OR each.
func IsDisjoint(expr *pgparse.Node, column string, want Interval) bool {
	return isDisjoint(expr, column, want, 0)
}

func isDisjoint(expr *pgparse.Node, column string, want Interval, depth int) bool {
	if depth > maxDepth {
		return false
	}
	b := expr.GetBoolExpr()
	if b == nil {
		var have Interval
		have.NarrowBy(expr, column)
		return have.IsApart(want)
	}
	out := func(n *pgparse.Node) bool { return isDisjoint(n, column, want, depth+1) }
	switch b.GetBoolop() {
	case pgparse.BoolExprType_AND_EXPR:
		var have Interval
		for _, cond := range ListConjuncts(expr) {
			have.NarrowBy(cond, column)
		}
		return have.IsApart(want) || slices.ContainsFunc(b.GetArgs(), out)
	case pgparse.BoolExprType_NOT_EXPR:
		return coversRange(b.GetArgs()[0], column, want, depth+1)
	case pgparse.BoolExprType_OR_EXPR:
		return !slices.ContainsFunc(b.GetArgs(), func(n *pgparse.Node) bool { return !out(n) })
	}
	return false
}

// coversRange reports whether a condition holds for a whole range, so that its negation
// excludes the range.
func coversRange(expr *pgparse.Node, column string, want Interval, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if b := expr.GetBoolExpr(); b != nil {
		return b.GetBoolop() == pgparse.BoolExprType_AND_EXPR &&
			!slices.ContainsFunc(b.GetArgs(), func(n *pgparse.Node) bool { return !coversRange(n, column, want, depth+1) })
	}
	if t := expr.GetNullTest(); t != nil {
		return t.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL && IsColumn(t.GetArg(), column)
	}
	var have Interval
	have.NarrowBy(expr, column)
	if have.Low == nil && have.High == nil || excludesBound(expr) {
		return false
	}
	if have.Low != nil {
		if want.Low == nil {
			return false
		}
		if c, ok := want.Low.CompareTo(have.Low); !ok || c < 0 {
			return false
		}
	}
	if have.High != nil {
		if want.High == nil {
			return false
		}
		if c, ok := want.High.CompareTo(have.High); !ok || c > 0 {
			return false
		}
	}
	return true
}

// excludesBound reports whether a comparison excludes its lower bound, which a partition's range
// includes.
func excludesBound(expr *pgparse.Node) bool {
	e := expr.GetAExpr()
	return e != nil && (operatorName(e) == ">" || operatorName(e) == "<" && e.GetLexpr().GetColumnRef() == nil)
}

// ExcludesValue reports whether a condition on a column excludes a value: NOT IN and similar
// conditions, "<>", or a range.
func ExcludesValue(cond *pgparse.Node, column string, value *Value) bool {
	if b := cond.GetBoolExpr(); b != nil {
		return b.GetBoolop() == pgparse.BoolExprType_NOT_EXPR && slices.ContainsFunc(AllowedValues(b.GetArgs()[0], column), value.EqualTo)
	}
	if e := cond.GetAExpr(); e != nil && operatorName(e) == "<>" && IsColumn(e.GetLexpr(), column) {
		list := e.GetRexpr().GetList().GetItems()
		if e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP {
			list = []*pgparse.Node{e.GetRexpr()}
		}
		return slices.ContainsFunc(list, func(n *pgparse.Node) bool {
			v := EndValue(n)
			return v != nil && v.EqualTo(value)
		})
	}
	var have Interval
	have.NarrowBy(cond, column)
	if have.Low != nil {
		if c, ok := have.Low.CompareTo(value); ok && (c > 0 || c == 0 && excludesBound(cond)) {
			return true
		}
	}
	if have.High != nil {
		c, ok := have.High.CompareTo(value)
		return ok && (c < 0 || c == 0 && !have.Closed)
	}
	return false
}
