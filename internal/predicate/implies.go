package predicate

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// maxTerms limits the work on a condition, which may come from a stranger.
const maxTerms = 40

// Implies reports whether each row that meets the old condition certainly meets the new
// one, so that the new one refuses nothing more: the same condition, a longer list of
// values, a wider bound, and AND and OR of these. It applies to a WHERE, which is met if
// it is true, and to a CHECK, which is met if it is not false. false means "cannot tell".
func Implies(old, now *pgparse.Node) bool { return implies(old, now, 0) }

func implies(old, now *pgparse.Node, depth int) bool {
	old, now = pgparse.StripCasts(old), pgparse.StripCasts(now)
	if depth > maxTerms || old == nil || now == nil {
		return false
	}
	if pgparse.Equal(old, now) || ConstantTrue(now) {
		return true
	}
	if parts := listTerms(now, pgparse.BoolExprType_AND_EXPR); parts != nil {
		return !slices.ContainsFunc(parts, func(n *pgparse.Node) bool { return !implies(old, n, depth+1) })
	}
	if parts := listTerms(old, pgparse.BoolExprType_OR_EXPR); parts != nil {
		return !slices.ContainsFunc(parts, func(o *pgparse.Node) bool { return !implies(o, now, depth+1) })
	}
	if parts := listTerms(now, pgparse.BoolExprType_OR_EXPR); parts != nil &&
		slices.ContainsFunc(parts, func(n *pgparse.Node) bool { return implies(old, n, depth+1) }) {
		return true
	}
	if parts := listTerms(old, pgparse.BoolExprType_AND_EXPR); parts != nil {
		return slices.ContainsFunc(parts, func(o *pgparse.Node) bool { return implies(o, now, depth+1) })
	}
	if operand, values := readAlternatives(old); operand != nil {
		newOperand, more := readAlternatives(now)
		return newOperand != nil && pgparse.Equal(operand, newOperand) && !slices.ContainsFunc(values, func(v *pgparse.Node) bool {
			return !slices.ContainsFunc(more, func(m *pgparse.Node) bool { return pgparse.Equal(v, m) })
		})
	}
	have, want := readLimits(old), readLimits(now)
	return len(want) > 0 && !slices.ContainsFunc(want, func(w limit) bool {
		return !slices.ContainsFunc(have, func(h limit) bool { return h.isWithin(w) })
	})
}

// ListConjuncts returns the conditions that all hold if an expression does.
func ListConjuncts(n *pgparse.Node) []*pgparse.Node {
	if b := n.GetBoolExpr(); b != nil && b.GetBoolop() == pgparse.BoolExprType_AND_EXPR {
		var out []*pgparse.Node
		for _, a := range b.GetArgs() {
			out = append(out, ListConjuncts(a)...)
		}
		return out
	}
	return []*pgparse.Node{n}
}

func listTerms(n *pgparse.Node, op pgparse.BoolExprType) []*pgparse.Node {
	if b := n.GetBoolExpr(); b != nil && b.GetBoolop() == op && len(b.GetArgs()) <= maxTerms {
		return b.GetArgs()
	}
	return nil
}

// readAlternatives reads "x = 1", "x IN (1, 2)" and "x = ANY (ARRAY[1, 2])".
func readAlternatives(n *pgparse.Node) (operand *pgparse.Node, values []*pgparse.Node) {
	e := n.GetAExpr()
	if e == nil || operatorName(e) != "=" {
		return nil, nil
	}
	switch e.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		values = []*pgparse.Node{e.GetRexpr()}
	case pgparse.A_Expr_Kind_AEXPR_IN, pgparse.A_Expr_Kind_AEXPR_OP_ANY:
		values = listElements(e)
	}
	if len(values) == 0 {
		return nil, nil
	}
	out := make([]*pgparse.Node, len(values))
	for i, v := range values {
		if out[i] = pgparse.StripCasts(v); out[i].GetAConst() == nil {
			return nil, nil
		}
	}
	return pgparse.StripCasts(e.GetLexpr()), out
}

// limit is a bound on an expression: x <= 10.
type limit struct {
	of    *pgparse.Node
	op    string
	value Value
}

// readLimits reads a comparison with a number, or BETWEEN.
func readLimits(n *pgparse.Node) []limit {
	e := n.GetAExpr()
	operand := pgparse.StripCasts(e.GetLexpr())
	number := func(n *pgparse.Node) (Value, bool) {
		v, ok := ConstantValue(n)
		return v, ok && v.Kind == Number
	}
	switch {
	case e == nil:
	case e.GetKind() == pgparse.A_Expr_Kind_AEXPR_BETWEEN:
		if ends := e.GetRexpr().GetList().GetItems(); len(ends) == 2 {
			low, ok := number(ends[0])
			high, ok2 := number(ends[1])
			if ok && ok2 {
				return []limit{{operand, ">=", low}, {operand, "<=", high}}
			}
		}
	case e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP:
		if v, ok := number(e.GetRexpr()); ok {
			return []limit{{operand, operatorName(e), v}}
		}
	}
	return nil
}

// isWithin reports whether every value that meets l meets o.
func (l limit) isWithin(o limit) bool {
	if !pgparse.Equal(l.of, o.of) {
		return false
	}
	sign := l.value.Number.Cmp(o.value.Number)
	switch {
	case l.op == o.op && (l.op == "<" || l.op == "<="), l.op == "<" && o.op == "<=":
		return sign <= 0
	case l.op == o.op && (l.op == ">" || l.op == ">="), l.op == ">" && o.op == ">=":
		return sign >= 0
	case l.op == "<=" && o.op == "<":
		return sign < 0
	case l.op == ">=" && o.op == ">":
		return sign > 0
	}
	return false
}
