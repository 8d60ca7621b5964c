package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// implied reports whether the constraints of a table prove that its rows are
// within the bounds, so that the server does not look at them.
func (a *alter) implied(part *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	if spec.GetIsDefault() {
		return a.impliedDefault(part)
	}
	column, want, ok := answer.RangeOf(a.rel, spec)
	if !ok {
		return a.impliedList(part, spec)
	}
	have, notNull := known(part, column)
	return notNull && have.Inside(want)
}

// impliedList is implied for a partition by list.
func (a *alter) impliedList(part *catalog.Relation, spec *pgparse.PartitionBoundSpec) bool {
	if len(spec.GetListdatums()) == 0 || len(a.rel.PartitionKey) != 1 {
		return false
	}
	col := a.rel.Attr(a.rel.PartitionKey[0].Column)
	if col == nil {
		return false
	}
	var want []*predicate.Value
	for _, n := range spec.GetListdatums() {
		b := predicate.End(n)
		if b == nil {
			return false
		}
		want = append(want, b)
	}
	if _, notNull := known(part, col.Name); !notNull {
		return false
	}
	for _, con := range part.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		for _, cond := range predicate.Conjuncts(con.Expr) {
			if predicate.Within(predicate.Values(cond, col.Name), want) {
				return true
			}
		}
	}
	return false
}

// impliedDefault reports whether the constraints of a table prove that none of
// its rows belongs to a partition that exists.
func (a *alter) impliedDefault(part *catalog.Relation) bool {
	if len(a.rel.PartitionKey) != 1 {
		return false
	}
	col := a.rel.Attr(a.rel.PartitionKey[0].Column)
	if col == nil {
		return false
	}
	for _, p := range a.C.Rels(a.rel.Partitions) {
		spec := boundOf(p)
		if spec == nil {
			return false
		}
		if len(spec.GetListdatums()) == 0 {
			if !a.excluded(part, a.rel, spec) {
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
func (a *alter) excludesValues(part *catalog.Relation, column string, datums []*pgparse.Node) bool {
	for _, con := range part.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		for _, cond := range predicate.Conjuncts(con.Expr) {
			have := predicate.Values(cond, column)
			clear := len(have) > 0
			for _, d := range datums {
				b := predicate.End(d)
				for _, h := range have {
					if b == nil {
						clear = false
					} else if c, ok := h.Order(b); !ok || c == 0 {
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

// boundOf reads the bounds of a partition.
func boundOf(p *catalog.Relation) *pgparse.PartitionBoundSpec {
	if p.Bound == "" {
		return nil
	}
	f, err := pgparse.Split("ALTER TABLE a ATTACH PARTITION b " + p.Bound)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		return nil
	}
	cmds := f.Stmts[0].Node.GetAlterTableStmt().GetCmds()
	if len(cmds) != 1 {
		return nil
	}
	return cmds[0].GetAlterTableCmd().GetDef().GetPartitionCmd().GetBound()
}

// known is what the valid constraints of a table say about a column.
func known(rel *catalog.Relation, column string) (in predicate.Interval, notNull bool) {
	if col := rel.Column(column); col != nil {
		notNull = col.NotNull && !col.NotNullInvalid
	}
	for _, con := range rel.Constraints {
		if con.Kind != catalog.Check || !con.Valid {
			continue
		}
		notNull = notNull || predicate.ProvesNotNull(con.Expr, column)
		for _, cond := range predicate.Conjuncts(con.Expr) {
			in.Narrow(cond, column)
		}
	}
	return in, notNull
}
