package rule

import (
	"slices"
	"strconv"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// maxTerms bounds the work on a condition from a stranger.
const maxTerms = 40

// Implies reports whether a row that meets the one condition surely meets the
// other, so that the other refuses nothing new: the same condition, a longer
// list of values, a wider bound, and AND and OR of those. false is "cannot
// tell".
func Implies(old, now *pgparse.Node) bool { return implies(old, now, 0) }

func implies(old, now *pgparse.Node, depth int) bool {
	old, now = Uncast(old), Uncast(now)
	if depth > maxTerms || old == nil || now == nil {
		return false
	}
	if catalog.SameExpr(old, now) || catalog.ConstantTrue(now) {
		return true
	}
	if parts := terms(now, pgparse.BoolExprType_AND_EXPR); parts != nil {
		return !slices.ContainsFunc(parts, func(n *pgparse.Node) bool { return !implies(old, n, depth+1) })
	}
	if parts := terms(old, pgparse.BoolExprType_OR_EXPR); parts != nil {
		return !slices.ContainsFunc(parts, func(o *pgparse.Node) bool { return !implies(o, now, depth+1) })
	}
	if parts := terms(now, pgparse.BoolExprType_OR_EXPR); parts != nil && slices.ContainsFunc(parts, func(n *pgparse.Node) bool { return implies(old, n, depth+1) }) {
		return true
	}
	if parts := terms(old, pgparse.BoolExprType_AND_EXPR); parts != nil {
		return slices.ContainsFunc(parts, func(o *pgparse.Node) bool { return implies(o, now, depth+1) })
	}
	if of, values := list(old); of != nil {
		also, more := list(now)
		return also != nil && catalog.SameExpr(of, also) && !slices.ContainsFunc(values, func(v *pgparse.Node) bool {
			return !slices.ContainsFunc(more, func(m *pgparse.Node) bool { return catalog.SameExpr(v, m) })
		})
	}
	return slices.ContainsFunc(limits(old), func(o limit) bool { return o.within(limits(now)) })
}

// Uncast is an expression without casts.
func Uncast(n *pgparse.Node) *pgparse.Node {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
	}
	return n
}

func terms(n *pgparse.Node, op pgparse.BoolExprType) []*pgparse.Node {
	if b := n.GetBoolExpr(); b != nil && b.GetBoolop() == op && len(b.GetArgs()) <= maxTerms {
		return b.GetArgs()
	}
	return nil
}

// list reads "x = 1", "x IN (1, 2)" and "x = ANY (ARRAY[1, 2])".
func list(n *pgparse.Node) (of *pgparse.Node, values []*pgparse.Node) {
	e := n.GetAExpr()
	if e == nil || operator(e) != "=" {
		return nil, nil
	}
	switch e.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		values = []*pgparse.Node{e.GetRexpr()}
	case pgparse.A_Expr_Kind_AEXPR_IN:
		values = e.GetRexpr().GetList().GetItems()
	case pgparse.A_Expr_Kind_AEXPR_OP_ANY:
		values = Uncast(e.GetRexpr()).GetAArrayExpr().GetElements()
	}
	if len(values) == 0 {
		return nil, nil
	}
	out := make([]*pgparse.Node, len(values))
	for i, v := range values {
		if out[i] = Uncast(v); out[i].GetAConst() == nil {
			return nil, nil
		}
	}
	return Uncast(e.GetLexpr()), out
}

// limit is a bound on an expression: x <= 10.
type limit struct {
	of    *pgparse.Node
	op    string
	value float64
}

// limits reads a comparison with a number, or BETWEEN.
func limits(n *pgparse.Node) []limit {
	e := n.GetAExpr()
	of := Uncast(e.GetLexpr())
	switch {
	case e == nil:
	case e.GetKind() == pgparse.A_Expr_Kind_AEXPR_BETWEEN:
		if ends := e.GetRexpr().GetList().GetItems(); len(ends) == 2 {
			low, ok := number(ends[0])
			high, ok2 := number(ends[1])
			if ok && ok2 {
				return []limit{{of, ">=", low}, {of, "<=", high}}
			}
		}
	case e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP:
		if v, ok := number(e.GetRexpr()); ok {
			return []limit{{of, operator(e), v}}
		}
	}
	return nil
}

// within reports whether what meets the limit meets all of others that are on
// the same expression, and there is nothing else to meet.
func (l limit) within(others []limit) bool {
	return len(others) == 1 && !slices.ContainsFunc(others, func(o limit) bool {
		if !catalog.SameExpr(l.of, o.of) {
			return true
		}
		switch {
		case l.op == o.op && (l.op == "<" || l.op == "<="), l.op == "<" && o.op == "<=":
			return l.value > o.value
		case l.op == o.op && (l.op == ">" || l.op == ">="), l.op == ">" && o.op == ">=":
			return l.value < o.value
		case l.op == "<=" && o.op == "<":
			return l.value >= o.value
		case l.op == ">=" && o.op == ">":
			return l.value <= o.value
		}
		return true
	})
}

func number(n *pgparse.Node) (float64, bool) {
	n = Uncast(n)
	if e := n.GetAExpr(); e != nil && operator(e) == "-" && e.GetLexpr() == nil {
		v, ok := number(e.GetRexpr())
		return -v, ok
	}
	switch v := n.GetAConst().GetVal().(type) {
	case *pgparse.A_Const_Ival:
		return float64(v.Ival.GetIval()), true
	case *pgparse.A_Const_Fval:
		f, err := strconv.ParseFloat(v.Fval.GetFval(), 64)
		return f, err == nil
	}
	return 0, false
}
