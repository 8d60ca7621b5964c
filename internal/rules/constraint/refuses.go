package constraint

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
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
	case n.GetBooleanTest() != nil && n.GetBooleanTest().GetBooltesttype() == pgparse.BoolTestType_IS_TRUE:
		return combine(b.outcome(n.GetBooleanTest().GetArg(), depth+1), isTrue, func(x, _ outcomes) outcomes {
			if x == isTrue {
				return isTrue
			}
			return isFalse
		})
	case n.GetColumnRef() != nil:
		if b.null(n) == isNull {
			return isNull
		}
		switch b.written(n) {
		case "true":
			return isTrue
		case "false":
			return isFalse
		}
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
	if p, q := b.written(l), b.written(r); p != "" && q != "" && x.GetName()[0].GetString_().GetSval() == "=" {
		if p == q {
			return isTrue
		}
		if b.spelled(l) || b.spelled(r) {
			return isFalse
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
	col := b.column(n)
	if col == nil {
		return anything
	}
	if b.p.NewColumn(b.d, col) {
		if b.unfilled {
			return anything
		}
		if b.empty(col) {
			return isNull
		}
		return anything
	}
	if old := b.d.Before.Attr(col.Attnum); old != nil && old.NotNull {
		return isTrue | isFalse
	}
	if was := b.deployed(); was != nil && was.Attr(col.Attnum) != nil && was.Attr(col.Attnum).NotNull {
		return isTrue | isFalse // that it may be null now is news to the deployed code
	}
	return anything
}

// empty reports whether each row of the deployed code has NULL in a column: it does
// not know it, and nothing else fills it.
func (b *binding) empty(col *catalog.Column) bool {
	return col != nil && b.p.NewColumn(b.d, col) && col.Default == nil && col.Generated == "" && col.Identity == "" && len(b.d.After.Triggers) == 0
}

// written is the constant that each row of the deployed code has in an expression: a
// constant, or a column that it does not know and that has one for its default.
func (b *binding) written(n *pgparse.Node) string {
	n = rule.Uncast(n)
	if col := b.column(n); col != nil && !b.unfilled && len(b.d.After.Triggers) == 0 && b.p.NewColumn(b.d, col) {
		n = rule.Uncast(col.Default)
	}
	return rule.Constant(n)
}

// spelled reports whether an expression is a column whose values are equal only when
// they are written alike.
func (b *binding) spelled(n *pgparse.Node) bool {
	col := b.column(n)
	return col != nil && slices.Contains([]string{"bool", "text", "varchar"}, col.Type.Name.Name)
}

// column is the column of the table that an expression is; nil for none.
func (b *binding) column(n *pgparse.Node) *catalog.Column {
	ref := n.GetColumnRef()
	if ref == nil || len(ref.GetFields()) != 1 {
		return nil
	}
	return b.d.After.Column(ref.GetFields()[0].GetString_().GetSval())
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
