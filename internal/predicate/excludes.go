package predicate

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Disjoint reports whether a condition excludes a range of a column: one of what
// holds together does, or each of what holds one or the other.
func Disjoint(expr *pgparse.Node, column string, want Interval) bool {
	return disjoint(expr, column, want, 0)
}

func disjoint(expr *pgparse.Node, column string, want Interval, depth int) bool {
	if depth > maxDepth {
		return false
	}
	b := expr.GetBoolExpr()
	if b == nil {
		var have Interval
		have.Narrow(expr, column)
		return have.Apart(want)
	}
	out := func(n *pgparse.Node) bool { return disjoint(n, column, want, depth+1) }
	switch b.GetBoolop() {
	case pgparse.BoolExprType_AND_EXPR:
		var have Interval
		for _, cond := range Conjuncts(expr) {
			have.Narrow(cond, column)
		}
		return have.Apart(want) || slices.ContainsFunc(b.GetArgs(), out)
	case pgparse.BoolExprType_NOT_EXPR:
		return covers(b.GetArgs()[0], column, want, depth+1)
	case pgparse.BoolExprType_OR_EXPR:
		return !slices.ContainsFunc(b.GetArgs(), func(n *pgparse.Node) bool { return !out(n) })
	}
	return false
}

// covers reports whether a condition holds for all of a range, so that its
// opposite excludes it.
func covers(expr *pgparse.Node, column string, want Interval, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if b := expr.GetBoolExpr(); b != nil {
		return b.GetBoolop() == pgparse.BoolExprType_AND_EXPR &&
			!slices.ContainsFunc(b.GetArgs(), func(n *pgparse.Node) bool { return !covers(n, column, want, depth+1) })
	}
	if t := expr.GetNullTest(); t != nil {
		return t.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL && IsColumn(t.GetArg(), column)
	}
	var have Interval
	have.Narrow(expr, column)
	if have.Low == nil && have.High == nil || strict(expr) {
		return false
	}
	if have.Low != nil {
		if want.Low == nil {
			return false
		}
		if c, ok := want.Low.Order(have.Low); !ok || c < 0 {
			return false
		}
	}
	if have.High != nil {
		if want.High == nil {
			return false
		}
		if c, ok := want.High.Order(have.High); !ok || c > 0 {
			return false
		}
	}
	return true
}

// strict reports whether a comparison leaves its lower bound out, which a range
// of a partition has in it.
func strict(expr *pgparse.Node) bool {
	e := expr.GetAExpr()
	return e != nil && (operator(e) == ">" || operator(e) == "<" && e.GetLexpr().GetColumnRef() == nil)
}

// Excludes reports whether a condition on a column leaves a value out: NOT IN and
// its like, "<>", or a range.
func Excludes(cond *pgparse.Node, column string, value *Value) bool {
	if b := cond.GetBoolExpr(); b != nil {
		return b.GetBoolop() == pgparse.BoolExprType_NOT_EXPR && slices.ContainsFunc(Values(b.GetArgs()[0], column), value.Is)
	}
	if e := cond.GetAExpr(); e != nil && operator(e) == "<>" && IsColumn(e.GetLexpr(), column) {
		list := e.GetRexpr().GetList().GetItems()
		if e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP {
			list = []*pgparse.Node{e.GetRexpr()}
		}
		return slices.ContainsFunc(list, func(n *pgparse.Node) bool {
			v := End(n)
			return v != nil && v.Is(value)
		})
	}
	var have Interval
	have.Narrow(cond, column)
	if have.Low != nil {
		if c, ok := have.Low.Order(value); ok && (c > 0 || c == 0 && strict(cond)) {
			return true
		}
	}
	if have.High != nil {
		c, ok := have.High.Order(value)
		return ok && (c < 0 || c == 0 && !have.Closed)
	}
	return false
}
