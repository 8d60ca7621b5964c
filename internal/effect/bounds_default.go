package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// excluded reports whether the default partition's own constraints prove that
// it holds no row for the new partition.
func (r *run) excluded(d, parent *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	if len(spec.GetListdatums()) > 0 {
		return withoutValues(d, parent, spec.GetListdatums())
	}
	column, want, ok := partitionInterval(parent, spec)
	if !ok {
		return false
	}
	if have := known(d, column); apart(have, want) {
		return true
	}
	for _, con := range d.Constraints {
		if con.Kind == catalog.Check && con.Valid && disjoint(con.Expr, column, want, 0) {
			return true
		}
	}
	return false
}

// disjoint reports whether a condition excludes a range: one of what holds
// together does, or each of what holds one or the other.
func disjoint(expr *pgparse.Node, column string, want interval, depth int) bool {
	if depth > maxDepth {
		return false
	}
	b, ok := pgparse.Unwrap(expr).(*pgparse.BoolExpr)
	if !ok {
		var have interval
		have.narrow(expr, column)
		return apart(have, want)
	}
	out := func(n *pgparse.Node) bool { return disjoint(n, column, want, depth+1) }
	switch b.GetBoolop() {
	case pgparse.BoolExprType_AND_EXPR:
		var have interval
		for _, cond := range conjuncts(expr) {
			have.narrow(cond, column)
		}
		return apart(have, want) || slices.ContainsFunc(b.GetArgs(), out)
	case pgparse.BoolExprType_NOT_EXPR:
		return covers(b.GetArgs()[0], column, want, depth+1)
	case pgparse.BoolExprType_OR_EXPR:
		return !slices.ContainsFunc(b.GetArgs(), func(n *pgparse.Node) bool { return !out(n) })
	}
	return false
}

// covers reports whether a condition holds for all of a range, so that its
// opposite excludes it.
func covers(expr *pgparse.Node, column string, want interval, depth int) bool {
	if depth > maxDepth {
		return false
	}
	if b, ok := pgparse.Unwrap(expr).(*pgparse.BoolExpr); ok {
		if b.GetBoolop() != pgparse.BoolExprType_AND_EXPR {
			return false
		}
		return !slices.ContainsFunc(b.GetArgs(), func(n *pgparse.Node) bool { return !covers(n, column, want, depth+1) })
	}
	if t, ok := pgparse.Unwrap(expr).(*pgparse.NullTest); ok {
		return t.GetNulltesttype() == pgparse.NullTestType_IS_NOT_NULL && isColumn(t.GetArg(), column)
	}
	var have interval
	have.narrow(expr, column)
	if have.low == nil && have.high == nil || strict(expr) {
		return false
	}
	if have.low != nil {
		if want.low == nil {
			return false
		}
		if c, ok := want.low.compare(have.low); !ok || c < 0 {
			return false
		}
	}
	if have.high != nil {
		if want.high == nil {
			return false
		}
		if c, ok := want.high.compare(have.high); !ok || c > 0 {
			return false
		}
	}
	return true
}

// strict reports whether a comparison leaves its lower bound out, which a range
// of a partition has in it.
func strict(expr *pgparse.Node) bool {
	e, ok := pgparse.Unwrap(expr).(*pgparse.A_Expr)
	return ok && (operator(e) == ">" || operator(e) == "<" && e.GetLexpr().GetColumnRef() == nil)
}

// withoutValues is excluded for a partition of listed values.
func withoutValues(d, parent *catalog.Relation, datums []*pgparse.Node) bool {
	if len(parent.PartitionKey) != 1 || parent.PartitionKey[0].Column == 0 {
		return false
	}
	col := parent.Attr(parent.PartitionKey[0].Column)
	if col == nil {
		return false
	}
	for _, n := range datums {
		value := constant(n)
		if value == nil || !slices.ContainsFunc(d.Constraints, func(con *catalog.Constraint) bool {
			return con.Kind == catalog.Check && con.Valid && slices.ContainsFunc(conjuncts(con.Expr), func(cond *pgparse.Node) bool {
				return refuses(cond, col.Name, value)
			})
		}) {
			return false
		}
	}
	return true
}

// refuses reports whether a condition on a column leaves a value out: NOT IN
// and its like, "<>", or a range.
func refuses(cond *pgparse.Node, column string, value *bound) bool {
	is := func(b *bound) bool {
		c, ok := b.compare(value)
		return ok && c == 0
	}
	if b, ok := pgparse.Unwrap(cond).(*pgparse.BoolExpr); ok {
		return b.GetBoolop() == pgparse.BoolExprType_NOT_EXPR && slices.ContainsFunc(values(b.GetArgs()[0], column), is)
	}
	if e, ok := pgparse.Unwrap(cond).(*pgparse.A_Expr); ok && operator(e) == "<>" && isColumn(e.GetLexpr(), column) {
		if e.GetKind() == pgparse.A_Expr_Kind_AEXPR_OP {
			b := constant(e.GetRexpr())
			return b != nil && is(b)
		}
		return slices.ContainsFunc(e.GetRexpr().GetList().GetItems(), func(n *pgparse.Node) bool {
			b := constant(n)
			return b != nil && is(b)
		})
	}
	var have interval
	have.narrow(cond, column)
	return apart(have, interval{low: value, high: value}) || have.high != nil && !have.closed && is(have.high)
}

// apart reports whether nothing is in both of two ranges.
func apart(have, want interval) bool {
	if have.low != nil && want.high != nil {
		if c, ok := have.low.compare(want.high); ok && c >= 0 {
			return true
		}
	}
	if have.high != nil && want.low != nil {
		if c, ok := have.high.compare(want.low); ok && (c < 0 || c == 0 && !have.closed) {
			return true
		}
	}
	return false
}
