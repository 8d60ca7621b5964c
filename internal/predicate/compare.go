package predicate

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// comparison is what "a < b", IN, ANY, ALL, BETWEEN and IS DISTINCT FROM come to.
func (r *Row) comparison(x *pgparse.A_Expr, depth int) Outcomes {
	if len(x.GetName()) != 1 || x.GetLexpr() == nil {
		return anything
	}
	left := func() Value { return r.value(x.GetLexpr(), depth+1) }
	switch op := operator(x); x.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		if l, right := x.GetLexpr(), x.GetRexpr(); (op == "=" || op == "<>" || op == "!=") && condition(l) && condition(right) {
			out := equal(r.outcomes(l, depth+1), r.outcomes(right, depth+1))
			if op != "=" {
				out = Not(out)
			}
			return out
		}
		return Compare(op, left(), r.value(x.GetRexpr(), depth+1))
	case pgparse.A_Expr_Kind_AEXPR_IN, pgparse.A_Expr_Kind_AEXPR_OP_ANY, pgparse.A_Expr_Kind_AEXPR_OP_ALL:
		return r.member(x, op, depth)
	case pgparse.A_Expr_Kind_AEXPR_BETWEEN, pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN:
		ends := x.GetRexpr().GetList().GetItems()
		if len(ends) != 2 {
			return anything
		}
		v := left()
		out := And(Compare(">=", v, r.value(ends[0], depth+1)), Compare("<=", v, r.value(ends[1], depth+1)))
		if x.GetKind() == pgparse.A_Expr_Kind_AEXPR_NOT_BETWEEN {
			return Not(out)
		}
		return out
	case pgparse.A_Expr_Kind_AEXPR_DISTINCT, pgparse.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		out := distinct(left(), r.value(x.GetRexpr(), depth+1))
		if x.GetKind() == pgparse.A_Expr_Kind_AEXPR_NOT_DISTINCT {
			return Not(out)
		}
		return out
	}
	return anything
}

// condition reports whether an expression is one by its form.
func condition(n *pgparse.Node) bool {
	return n.GetBoolExpr() != nil || n.GetNullTest() != nil || n.GetBooleanTest() != nil
}

// distinct is IS DISTINCT FROM, which is never NULL.
func distinct(a, b Value) Outcomes {
	switch {
	case a.Kind == Unknown || b.Kind == Unknown:
		return True | False
	case a.Kind == Null || b.Kind == Null:
		return certain(a.Kind != b.Kind)
	}
	return Not(Compare("=", a, b))
}

// member is x IN (…), x = ANY (ARRAY[…]), x NOT IN (…), x <> ALL (ARRAY[…]).
func (r *Row) member(x *pgparse.A_Expr, op string, depth int) Outcomes {
	list := elements(x)
	in := op == "="
	if len(list) == 0 || !in && op != "<>" && op != "!=" || x.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP_ANY && !in || x.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP_ALL && in {
		return anything
	}
	v := r.value(x.GetLexpr(), depth+1)
	out := False
	for _, n := range list {
		out = Or(out, Compare("=", v, r.value(n, depth+1)))
	}
	if in {
		return out
	}
	return Not(out)
}

// elements are what IN, ANY and ALL compare with; nil where that is not a list.
func elements(x *pgparse.A_Expr) []*pgparse.Node {
	if x.GetKind() == pgparse.A_Expr_Kind_AEXPR_IN {
		return x.GetRexpr().GetList().GetItems()
	}
	return Uncast(x.GetRexpr()).GetAArrayExpr().GetElements()
}

var comparisons = []string{"=", "<>", "!=", "<", "<=", ">", ">="}

// Compare is what a comparison of two values may come to. Which text comes first
// depends on the collation.
func Compare(op string, a, b Value) Outcomes {
	if !slices.Contains(comparisons, op) {
		return anything
	}
	switch {
	case a.Kind == Null || b.Kind == Null:
		return Nothing
	case a.Kind == Unknown || b.Kind == Unknown:
		return anything
	case a.Kind == Number && b.Kind == Text:
		b = Decimal(b.Text)
	case a.Kind == Text && b.Kind == Number:
		a = Decimal(a.Text)
	case a.Kind == Truth && b.Kind == Text:
		b = Boolean(b.Text)
	case a.Kind == Text && b.Kind == Truth:
		a = Boolean(a.Text)
	}
	if a.Kind != b.Kind {
		return True | False
	}
	sign := 0
	switch a.Kind {
	case Number:
		sign = a.Number.Cmp(b.Number)
	case Text, Truth:
		same := a.Text == b.Text && a.Truth == b.Truth
		if op != "=" && op != "<>" && op != "!=" || !same && (a.Loose || b.Loose) {
			return True | False
		}
		if !same {
			sign = 1
		}
	default:
		return True | False
	}
	return certain(holds(op, sign))
}

// holds reports whether a comparison holds for two values in an order.
func holds(op string, sign int) bool {
	switch op {
	case "=":
		return sign == 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	case ">=":
		return sign >= 0
	}
	return sign != 0
}
