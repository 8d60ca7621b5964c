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
