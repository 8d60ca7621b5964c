package predicate

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Interval is what a condition says about one column: at least Low, below (or,
// with Closed, at most) High. Ends that are nil are open.
type Interval struct {
	Low, High *Value
	Closed    bool
}

// Order compares two numbers, or two texts as they are written; false where they
// are not of one kind.
func (v *Value) Order(o *Value) (int, bool) {
	switch {
	case v.Kind != o.Kind:
		return 0, false
	case v.Kind == Number:
		return v.Number.Cmp(o.Number), true
	}
	return cmp.Compare(v.Text, o.Text), v.Kind == Text
}

// Is reports whether two values are one.
func (v *Value) Is(o *Value) bool {
	c, ok := v.Order(o)
	return ok && c == 0
}

// End is a number or a text as the end of an interval; nil for anything else.
func End(n *pgparse.Node) *Value {
	if v, ok := Constant(n); ok && (v.Kind == Number || v.Kind == Text) {
		return &v
	}
	return nil
}

// IsColumn reports whether an expression is a column of that name.
func IsColumn(n *pgparse.Node, name string) bool {
	f := n.GetColumnRef().GetFields()
	return len(f) > 0 && pgparse.Last(f) == name
}

// Values are those that a condition "column = a", "column IN (a, b)" or
// "column = ANY (ARRAY[a, b])" allows; nil where it is none of these.
func Values(cond *pgparse.Node, column string) []*Value {
	e := cond.GetAExpr()
	if e == nil || !IsColumn(e.GetLexpr(), column) || operator(e) != "=" {
		return nil
	}
	list := e.GetRexpr().GetList().GetItems()
	switch e.GetKind() {
	case pgparse.A_Expr_Kind_AEXPR_OP:
		list = []*pgparse.Node{e.GetRexpr()}
	case pgparse.A_Expr_Kind_AEXPR_OP_ANY:
		list = elements(e)
	}
	var out []*Value
	for _, n := range list {
		v := End(n)
		if v == nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// Within reports whether each of some values is one of others; false for none.
func Within(have, want []*Value) bool {
	return len(have) > 0 && !slices.ContainsFunc(have, func(h *Value) bool { return !slices.ContainsFunc(want, h.Is) })
}

// Narrow takes one comparison into account.
func (in *Interval) Narrow(cond *pgparse.Node, column string) {
	e := cond.GetAExpr()
	switch {
	case e == nil:
	case e.GetKind() == pgparse.A_Expr_Kind_AEXPR_BETWEEN:
		if ends := e.GetRexpr().GetList().GetItems(); IsColumn(e.GetLexpr(), column) && len(ends) == 2 {
			in.above(End(ends[0]))
			in.under(End(ends[1]), true)
		}
	case e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP:
		op, value := operator(e), e.GetRexpr()
		if IsColumn(e.GetRexpr(), column) {
			value = e.GetLexpr()
			op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
		} else if !IsColumn(e.GetLexpr(), column) {
			return
		}
		switch op {
		case ">=", ">":
			in.above(End(value))
		case "<":
			in.under(End(value), false)
		case "<=":
			in.under(End(value), true)
		case "=":
			in.above(End(value))
			in.under(End(value), true)
		}
	}
}

func (in *Interval) above(v *Value) {
	if v == nil {
		return
	}
	if in.Low == nil {
		in.Low = v
	} else if c, ok := v.Order(in.Low); ok && c > 0 {
		in.Low = v
	}
}

func (in *Interval) under(v *Value, closed bool) {
	if v == nil {
		return
	}
	if in.High != nil {
		if c, ok := v.Order(in.High); !ok || c > 0 || c == 0 && closed {
			return
		}
	}
	in.High, in.Closed = v, closed
}

// Inside reports whether all of an interval is in a range: Low is in it, High is
// not.
func (in Interval) Inside(want Interval) bool {
	if want.Low != nil && in.Low == nil || want.High != nil && in.High == nil {
		return false
	}
	if want.Low != nil {
		if c, ok := in.Low.Order(want.Low); !ok || c < 0 {
			return false
		}
	}
	if want.High != nil {
		c, ok := in.High.Order(want.High)
		return ok && (c < 0 || c == 0 && !in.Closed)
	}
	return true
}

// Apart reports whether nothing is both in the interval and in a range.
func (in Interval) Apart(want Interval) bool {
	if in.Low != nil && want.High != nil {
		if c, ok := in.Low.Order(want.High); ok && c >= 0 {
			return true
		}
	}
	if in.High != nil && want.Low != nil {
		if c, ok := in.High.Order(want.Low); ok && (c < 0 || c == 0 && !in.Closed) {
			return true
		}
	}
	return false
}
