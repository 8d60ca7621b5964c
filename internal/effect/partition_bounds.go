package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refusal"
)

// areBoundsImplied reports whether the constraints of a table prove that its rows are
// within the bounds, so that the server does not scan them. A CHECK (d >= '2024-01-01' AND d < '2025-01-01')
// with NOT NULL implies FOR VALUES FROM ('2024-01-01') TO ('2025-01-01').
func (a *alterState) areBoundsImplied(part *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	if spec.GetIsDefault() {
		return a.isDefaultImplied(part)
	}
	column, want, ok := refusal.RangeOf(a.rel, spec)
	if !ok {
		return a.isListImplied(part, spec)
	}
	have, notNull := constrainedRange(part, column)
	return notNull && have.IsInside(want)
}

// isListImplied is areBoundsImplied for a partition by list.
func (a *alterState) isListImplied(part *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	if len(spec.GetListdatums()) == 0 || len(a.rel.PartitionKey) != 1 {
		return false
	}
	col := a.rel.Attr(a.rel.PartitionKey[0].Column)
	if col == nil {
		return false
	}
	var want []*predicate.Value
	for _, n := range spec.GetListdatums() {
		b := predicate.EndValue(n)
		if b == nil {
			return false
		}
		want = append(want, b)
	}
	if _, notNull := constrainedRange(part, col.Name); !notNull {
		return false
	}
	for _, con := range part.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		for _, cond := range predicate.ListConjuncts(con.Expr) {
			if predicate.IsWithin(predicate.AllowedValues(cond, col.Name), want) {
				return true
			}
		}
	}
	return false
}

// isDefaultImplied reports whether the constraints of a table prove that none of
// its rows belongs to a partition that exists.
func (a *alterState) isDefaultImplied(part *catalog.Relation) bool {
	if len(a.rel.PartitionKey) != 1 {
		return false
	}
	col := a.rel.Attr(a.rel.PartitionKey[0].Column)
	if col == nil {
		return false
	}
	for _, p := range a.C.RelationsByOID(a.rel.Partitions) {
		spec := parseBound(p)
		if spec == nil {
			return false
		}
		if len(spec.GetListdatums()) == 0 {
			if !a.isExcludedByDefault(part, a.rel, spec) {
				return false
			}
			continue
		}
		if !a.excludesValues(part, col.Name, spec.GetListdatums()) {
			return false
		}
	}
	return true
}

// excludesValues reports whether a CHECK restricts a column to other values.
func (a *alterState) excludesValues(part *catalog.Relation, column string, datums []*pgparse.Node) bool {
	for _, con := range part.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		for _, cond := range predicate.ListConjuncts(con.Expr) {
			have := predicate.AllowedValues(cond, column)
			clear := len(have) > 0
			for _, d := range datums {
				b := predicate.EndValue(d)
				for _, h := range have {
					if b == nil {
						clear = false
					} else if c, ok := h.CompareTo(b); !ok || c == 0 {
						clear = false
					}
				}
			}
			if clear {
				return true
			}
		}
	}
	return false
}

// parseBound reads the bounds of a partition.
func parseBound(p *catalog.Relation) *pgparse.PartitionBoundSpec {
	if p.Bound == "" {
		return nil
	}
	cmds := pgparse.ParseStatement("ALTER TABLE a ATTACH PARTITION b " + p.Bound).GetAlterTableStmt().GetCmds()
	if len(cmds) != 1 {
		return nil
	}
	return cmds[0].GetAlterTableCmd().GetDef().GetPartitionCmd().GetBound()
}

// constrainedRange returns the range of a column by the valid constraints of its table.
func constrainedRange(rel *catalog.Relation, column string) (in predicate.Interval, notNull bool) {
	if col := rel.Column(column); col != nil {
		notNull = col.NotNull && !col.NotNullInvalid
	}
	for _, con := range rel.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		notNull = notNull || predicate.ProvesNotNull(con.Expr, column)
		for _, cond := range predicate.ListConjuncts(con.Expr) {
			in.NarrowBy(cond, column)
		}
	}
	return in, notNull
}
