package constraint

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// maxTerms bounds the work on a condition from a stranger.
const maxTerms = 40

// outcomes is a set of what a condition may come to.
type outcomes uint8

const (
	isTrue outcomes = 1 << iota
	isFalse
	isNull
)

// refuses reports whether a CHECK may refuse a row that the deployed code
// writes: one with NULL in the columns that it does not know and that have no
// default, and with a value in those that must not be null. A CHECK refuses
// what is false, not what is null.
func (b *binding) refuses(check *pgparse.Node) bool { return b.outcome(check, 0)&isFalse != 0 }

func (b *binding) outcome(n *pgparse.Node, depth int) outcomes {
	const anything = isTrue | isFalse | isNull
	n = rule.Uncast(n)
	if n == nil || depth > maxTerms {
		return anything
	}
	switch {
	case n.GetBoolExpr() != nil:
		args := n.GetBoolExpr().GetArgs()
		if len(args) == 0 || len(args) > maxTerms {
			return anything
		}
		out := b.outcome(args[0], depth+1)
		if n.GetBoolExpr().GetBoolop() == pgparse.BoolExprType_NOT_EXPR {
			return combine(out, isTrue, func(x, _ outcomes) outcomes { return not(x) })
		}
		op := and
		if n.GetBoolExpr().GetBoolop() == pgparse.BoolExprType_OR_EXPR {
			op = func(x, y outcomes) outcomes { return not(and(not(x), not(y))) }
		}
		for _, a := range args[1:] {
			out = combine(out, b.outcome(a, depth+1), op)
		}
		return out
	case n.GetNullTest() != nil:
		out := map[outcomes]outcomes{isNull: isTrue, isTrue | isFalse: isFalse, anything: isTrue | isFalse}[b.null(n.GetNullTest().GetArg())]
		if n.GetNullTest().GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL {
			return combine(out, isTrue, func(x, _ outcomes) outcomes { return not(x) })
		}
		return out
	case n.GetAExpr() != nil:
		return b.comparison(n.GetAExpr(), depth)
	}
	return anything
}

// comparison is what a = b and a <> b come to, of conditions and of values.
func (b *binding) comparison(x *pgparse.A_Expr, depth int) outcomes {
	const anything = isTrue | isFalse | isNull
	if x.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP || len(x.GetName()) != 1 || x.GetLexpr() == nil {
		return anything
	}
	l, r := rule.Uncast(x.GetLexpr()), rule.Uncast(x.GetRexpr())
	if condition(l) && condition(r) {
		same := func(p, q outcomes) outcomes {
			switch {
			case p == isNull || q == isNull:
				return isNull
			case p == q:
				return isTrue
			}
			return isFalse
		}
		switch x.GetName()[0].GetString_().GetSval() {
		case "=":
			return combine(b.outcome(l, depth+1), b.outcome(r, depth+1), same)
		case "<>", "!=":
			return combine(b.outcome(l, depth+1), b.outcome(r, depth+1), func(p, q outcomes) outcomes { return not(same(p, q)) })
		}
		return anything
	}
	switch x.GetName()[0].GetString_().GetSval() {
	case "=", "<>", "!=", "<", ">", "<=", ">=":
		if b.null(l) == isNull || b.null(r) == isNull {
			return isNull
		}
	}
	return anything
}

// condition reports whether an expression is one by its form.
func condition(n *pgparse.Node) bool { return n.GetBoolExpr() != nil || n.GetNullTest() != nil }

// null tells whether a value that the deployed code writes is null (isNull), is
// not (isTrue or isFalse stand for a value), or may be.
func (b *binding) null(n *pgparse.Node) outcomes {
	const anything = isTrue | isFalse | isNull
	n = rule.Uncast(n)
	if c := n.GetAConst(); c != nil {
		if c.GetIsnull() {
			return isNull
		}
		return isTrue | isFalse
	}
	ref := n.GetColumnRef()
	if ref == nil || len(ref.GetFields()) != 1 {
		return anything
	}
	col := b.d.After.Column(ref.GetFields()[0].GetString_().GetSval())
	if col == nil {
		return anything
	}
	if b.p.NewColumn(b.d, col) {
		if col.Default == nil && col.Generated == "" && col.Identity == "" && len(b.d.After.Triggers) == 0 {
			return isNull
		}
		return anything
	}
	if old := b.d.Before.Attr(col.Attnum); old != nil && old.NotNull {
		return isTrue | isFalse
	}
	return anything
}

// combine is what an operator may come to, given what its operands may.
func combine(l, r outcomes, op func(l, r outcomes) outcomes) outcomes {
	var out outcomes
	for _, x := range []outcomes{isTrue, isFalse, isNull} {
		for _, y := range []outcomes{isTrue, isFalse, isNull} {
			if l&x != 0 && r&y != 0 {
				out |= op(x, y)
			}
		}
	}
	return out
}

func not(x outcomes) outcomes {
	switch x {
	case isTrue:
		return isFalse
	case isFalse:
		return isTrue
	}
	return isNull
}

func and(x, y outcomes) outcomes {
	switch {
	case x == isFalse || y == isFalse:
		return isFalse
	case x == isNull || y == isNull:
		return isNull
	}
	return isTrue
}
