package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refusal"
)

// isExcludedByDefault reports whether the default partition's own constraints prove that
// it holds no row for the new partition.
func (r *run) isExcludedByDefault(d, parent *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	if len(spec.GetListdatums()) > 0 {
		return excludesListedValues(d, parent, spec.GetListdatums())
	}
	column, want, ok := refusal.RangeOf(parent, spec)
	if !ok {
		return false
	}
	if have, _ := constrainedRange(d, column); have.IsApart(want) {
		return true
	}
	for _, con := range d.Constraints {
		if con.Kind == catalog.Check && con.Valid && predicate.IsDisjoint(con.Expr, column, want) {
			return true
		}
	}
	return false
}

// excludesListedValues is isExcludedByDefault for a partition of listed values.
func excludesListedValues(d, parent *catalog.Relation, datums []*pgparse.Node) bool {
	if len(parent.PartitionKey) != 1 || parent.PartitionKey[0].Column == 0 {
		return false
	}
	col := parent.Attr(parent.PartitionKey[0].Column)
	if col == nil {
		return false
	}
	for _, n := range datums {
		value := predicate.EndValue(n)
		if value == nil || !slices.ContainsFunc(d.Constraints, func(con *catalog.Constraint) bool {
			return con.Kind == catalog.Check && con.Valid && slices.ContainsFunc(predicate.ListConjuncts(con.Expr), func(cond *pgparse.Node) bool {
				return predicate.ExcludesValue(cond, col.Name, value)
			})
		}) {
			return false
		}
	}
	return true
}
