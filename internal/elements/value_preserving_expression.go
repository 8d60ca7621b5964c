package elements

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// preservesColumnValue reports whether an expression gives a column's value in another type: a::text, or a CASE that gives each value
// its own name (CASE a WHEN 'new' THEN 'new'::status …).
// Up to the contract, new code writes its values to the old column, and the expression converts them. So a value of the new
// code must become itself: after jsonb_build_object('address', a) it would be wrapped once more.
func preservesColumnValue(n *pgparse.Node) bool {
	switch {
	case n.GetColumnRef() != nil:
		return true
	case n.GetTypeCast() != nil:
		return preservesColumnValue(n.GetTypeCast().GetArg())
	}
	list := n.GetCaseExpr()
	if list == nil || list.Arg != nil && list.Arg.GetColumnRef() == nil {
		return false
	}
	for _, w := range list.Args {
		when := w.GetCaseWhen()
		from, ok := comparedConstant(when.GetExpr(), list.Arg != nil)
		to, known := constantText(when.GetResult())
		if !ok || !known || from != to {
			return false
		}
	}
	return list.Defresult == nil || isNull(list.Defresult) || preservesColumnValue(list.Defresult)
}

// comparedConstant returns the constant to which a WHEN compares the column.
func comparedConstant(when *pgparse.Node, alone bool) (text string, ok bool) {
	if alone {
		return constantText(when)
	}
	e := when.GetAExpr()
	if e == nil || pgparse.LastText(e.Name) != "=" {
		return "", false
	}
	left, right := e.Lexpr, e.Rexpr
	if constant, ok := constantText(left); ok && isColumn(right) {
		return constant, true
	}
	if !isColumn(left) {
		return "", false
	}
	return constantText(right)
}

// isColumn reports whether an expression is a column, perhaps in another type.
func isColumn(n *pgparse.Node) bool {
	n = pgparse.StripCasts(n)
	return n.GetColumnRef() != nil
}

// constantText returns a string constant, perhaps in another type.
func constantText(n *pgparse.Node) (text string, ok bool) {
	n = pgparse.StripCasts(n)
	if n.GetAConst().GetSval() == nil {
		return "", false
	}
	return n.GetAConst().GetSval().Sval, true
}

func isNull(n *pgparse.Node) bool {
	n = pgparse.StripCasts(n)
	return n.GetAConst().GetIsnull()
}

// isNotNullTest reports whether a condition is only that a column has a value.
func isNotNullTest(n *pgparse.Node) bool {
	test := n.GetNullTest()
	return test != nil && test.Nulltesttype == pgparse.NullTestType_IS_NOT_NULL && test.GetArg().GetColumnRef() != nil
}
