package predicate

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Interval is the range of one column's values that a condition allows: at least Low, and
// below High (or at most High, with Closed). A nil end is open.
type Interval struct {
	Low, High *Value
	Closed    bool
}

// CompareTo compares two numbers, or two texts as written; false if their kinds differ.
func (v *Value) CompareTo(o *Value) (int, bool) {
	switch {
	case v.Kind != o.Kind:
		return 0, false
	case v.Kind == Number:
		return v.Number.Cmp(o.Number), true
	}
	return cmp.Compare(v.Text, o.Text), v.Kind == Text
}

// EqualTo reports whether two values are equal.
func (v *Value) EqualTo(o *Value) bool {
	c, ok := v.CompareTo(o)
	return ok && c == 0
}

// EndValue returns a number or a text as the end of an interval; nil for anything else.
func EndValue(n *pgparse.Node) *Value {
	if v, ok := ConstantValue(n); ok && (v.Kind == Number || v.Kind == Text) {
		return &v
	}
	return nil
}

// IsColumn reports whether an expression is a column of that name.
func IsColumn(n *pgparse.Node, name string) bool {
	f := n.GetColumnRef().GetFields()
	return len(f) > 0 && pgparse.LastText(f) == name
}

// AllowedValues returns the values that a condition "column = a", "column IN (a, b)" or "column
// = ANY (ARRAY[a, b])" allows; nil for other conditions.
func AllowedValues(cond *pgparse.Node, column string) []*Value {
	e := cond.GetAExpr()
	if e == nil || !IsColumn(e.GetLexpr(), column) || operatorName(e) != "=" {
		return nil
	}
	list := e.GetRexpr().GetList().GetItems()
	switch e.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		list = []*pgparse.Node{e.GetRexpr()}
	case pgparse.A_Expr_Kind_AEXPR_OP_ANY:
		list = listElements(e)
	}
	var out []*Value
	for _, n := range list {
		v := EndValue(n)
		if v == nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// IsWithin reports whether have is not empty and each of its values is in want.
func IsWithin(have, want []*Value) bool {
	return len(have) > 0 && !slices.ContainsFunc(have, func(h *Value) bool { return !slices.ContainsFunc(want, h.EqualTo) })
}

// NarrowBy narrows the interval by one comparison.
func (in *Interval) NarrowBy(cond *pgparse.Node, column string) {
	e := cond.GetAExpr()
	switch {
	case e == nil:
	case e.GetKind() == pgparse.A_Expr_Kind_AEXPR_BETWEEN:
		if ends := e.GetRexpr().GetList().GetItems(); IsColumn(e.GetLexpr(), column) && len(ends) == 2 {
			in.raiseLow(EndValue(ends[0]))
			in.lowerHigh(EndValue(ends[1]), true)
		}
	case e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP:
		op, value := operatorName(e), e.GetRexpr()
		if IsColumn(e.GetRexpr(), column) {
			value = e.GetLexpr()
			op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
		} else if !IsColumn(e.GetLexpr(), column) {
			return
		}
		switch op {
		case ">=", ">":
			in.raiseLow(EndValue(value))
		case "<":
			in.lowerHigh(EndValue(value), false)
		case "<=":
			in.lowerHigh(EndValue(value), true)
		case "=":
			in.raiseLow(EndValue(value))
			in.lowerHigh(EndValue(value), true)
		}
	}
}

func (in *Interval) raiseLow(v *Value) {
	if v == nil {
		return
	}
	if in.Low == nil {
		in.Low = v
	} else if c, ok := v.CompareTo(in.Low); ok && c > 0 {
		in.Low = v
	}
}

func (in *Interval) lowerHigh(v *Value, closed bool) {
	if v == nil {
		return
	}
	if in.High != nil {
		if c, ok := v.CompareTo(in.High); !ok || c > 0 || c == 0 && closed {
			return
		}
	}
	in.High, in.Closed = v, closed
}

// IsInside reports whether a whole interval is in a range that includes Low and excludes
// High.
func (in Interval) IsInside(want Interval) bool {
	if want.Low != nil && in.Low == nil || want.High != nil && in.High == nil {
		return false
	}
	if want.Low != nil {
		if c, ok := in.Low.CompareTo(want.Low); !ok || c < 0 {
			return false
		}
	}
	if want.High != nil {
		c, ok := in.High.CompareTo(want.High)
		return ok && (c < 0 || c == 0 && !in.Closed)
	}
	return true
}

// IsApart reports whether no value is both in the interval and in a range.
func (in Interval) IsApart(want Interval) bool {
	if in.Low != nil && want.High != nil {
		if c, ok := in.Low.CompareTo(want.High); ok && c >= 0 {
			return true
		}
	}
	if in.High != nil && want.Low != nil {
		if c, ok := in.High.CompareTo(want.Low); ok && (c < 0 || c == 0 && !in.Closed) {
			return true
		}
	}
	return false
}

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
