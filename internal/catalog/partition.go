package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// makePartitioned stores PARTITION BY in a table: its strategy and its key.
func (f *fold) makePartitioned(t *Relation, spec *pgparse.PartitionSpec) {
	switch spec.GetStrategy() {
	case pgparse.PartitionStrategy_PARTITION_STRATEGY_LIST:
		t.copyRare().Strategy = "list"
	case pgparse.PartitionStrategy_PARTITION_STRATEGY_RANGE:
		t.copyRare().Strategy = "range"
	case pgparse.PartitionStrategy_PARTITION_STRATEGY_HASH:
		t.copyRare().Strategy = "hash"
	}
	for _, n := range spec.GetPartParams() {
		e := n.GetPartitionElem()
		k := IndexKey{Opclass: pgparse.LastText(e.GetOpclass()), Collation: pgparse.LastText(e.GetCollation())}
		if e.GetName() != "" {
			c := t.Column(clipName(e.GetName()))
			if c == nil {
				if !t.Partial {
					f.addProblem(f.isHistoryComplete(), pgerror.PartitionKeyColumn, e.GetName())
				}
				continue
			}
			k.Column, k.Columns = c.Attnum, []int16{c.Attnum}
		} else {
			k.Expr, k.ExprText, k.Columns = e.GetExpr(), keyText(f.sql, e.GetExpr()), t.attnumsIn(e.GetExpr())
		}
		t.copyRare().PartitionKey = append(t.PartitionKey, k)
	}
}

// inheritPartitionColumns gives a table of PARTITION OF its parent's columns and
// checks.
func (f *fold) inheritPartitionColumns(t *Relation, s *pgparse.CreateStmt) {
	if len(s.GetInhRelations()) == 0 {
		return
	}
	parent := f.requireRelation(s.GetInhRelations()[0].GetRangeVar(), PartitionedTable, false)
	if parent == nil {
		return
	}
	if !f.requirePartitioned(parent, pgerror.NotPartitioned.NewRefusal(parent.Name.Name)) {
		return
	}
	t.Parent = parent.OID
	f.mergeParent(t, f.Relation(parent.OID))
}

// requirePartitioned reports a table that is not partitioned; an inferred one
// becomes it.
func (f *fold) requirePartitioned(r *Relation, no *pgerror.Refusal) bool {
	if r.Kind == PartitionedTable {
		return true
	}
	if r.Inferred {
		f.changeInferredKind(f.editRelation(r.OID), PartitionedTable)
		return true
	}
	f.addRefusal(f.isHistoryComplete(), no)
	return !f.failed && r.Kind.IsTable()
}

// addPartitionToParent enters a new partition at its parent and gives it the parent's
// indexes, foreign keys and row triggers.
func (f *fold) addPartitionToParent(t *Relation, s *pgparse.CreateStmt) {
	parent := f.editRelation(t.Parent)
	if parent == nil {
		return
	}
	t.copyRare().Bound = f.formatBound(s.GetPartbound())
	f.registerPartition(parent, t, s.GetPartbound().GetIsDefault())
}

func (f *fold) registerPartition(parent, t *Relation, isDefault bool) {
	if isDefault {
		if parent.Default != 0 && f.Relation(parent.Default) != nil {
			f.addConflict(true, pgerror.PartitionDefault, t.Name.Name, f.Relation(parent.Default).Name.Name)
			if f.failed {
				return
			}
		}
		parent.copyRare().Default = t.OID
	}
	parent.copyRare().Partitions = appendShared(f, parent.Partitions, t.OID)
	t.Parent = parent.OID
	for _, oid := range parent.Indexes {
		if idx := f.editRelation(oid); idx != nil && idx.Kind == PartitionedIndex {
			f.addPartitionIndex(parent, t, idx)
		}
	}
	for _, c := range parent.Constraints {
		if c.Kind == ForeignKey {
			f.cloneForeignKey(parent, t, c)
		}
	}
	for _, trig := range parent.Triggers {
		if trig.Row {
			f.cloneTrigger(parent, t, trig)
		}
	}
}

// cloneTrigger gives a partition the row trigger of its parent.
func (f *fold) cloneTrigger(parent, part *Relation, trig *Trigger) {
	if part == nil {
		return
	}
	f.using = true
	next := *trig
	next.ID, next.Parent = f.newOID(), true
	next.Columns, next.Uses = mapAttnums(parent, part, trig.Columns), mapAttnums(parent, part, trig.Uses)
	part.Triggers = slices.DeleteFunc(slices.Clone(part.Triggers), func(o *Trigger) bool { return o.Name == trig.Name })
	part.Triggers = append(part.Triggers, &next)
	for _, oid := range part.Partitions {
		f.cloneTrigger(part, f.editRelation(oid), &next)
	}
}

// formatBound is a partition's bound in words: "FOR VALUES FROM (1) TO (2)".
func (f *fold) formatBound(b *pgparse.PartitionBoundSpec) string {
	if b.GetIsDefault() {
		return "DEFAULT"
	}
	switch {
	case b.GetStrategy() == "h":
		return "FOR VALUES WITH (modulus " + itoa(int(b.GetModulus())) + ", remainder " + itoa(int(b.GetRemainder())) + ")"
	case len(b.GetListdatums()) > 0:
		return "FOR VALUES IN (" + f.formatDatums(b.GetListdatums()) + ")"
	}
	return "FOR VALUES FROM (" + f.formatDatums(b.GetLowerdatums()) + ") TO (" + f.formatDatums(b.GetUpperdatums()) + ")"
}

func (f *fold) formatDatums(list []*pgparse.Node) string {
	parts := make([]string, len(list))
	for i, n := range list {
		switch m := pgparse.Unwrap(n).(type) {
		case *pgparse.A_Const:
			parts[i] = constText(n)
			if _, text := m.GetVal().(*pgparse.A_Const_Sval); text {
				parts[i] = pgparse.QuoteLiteral(parts[i])
			}
			if m.GetIsnull() {
				parts[i] = "NULL"
			}
		case *pgparse.ColumnRef:
			parts[i] = strings.ToUpper(pgparse.LastText(m.GetFields()))
		default:
			parts[i] = keyText(f.sql, n)
		}
	}
	return strings.Join(parts, ", ")
}

// attachPartition is ALTER TABLE … ATTACH PARTITION.
func (f *fold) attachPartition(parent *Relation, cmd *pgparse.PartitionCmd) {
	if parent.Kind == PartitionedIndex || parent.Kind == Index {
		f.attachIndexPartition(parent, cmd)
		return
	}
	if !f.requirePartitioned(parent, pgerror.TableNotPartitioned.NewRefusal(parent.Name.Name)) {
		return
	}
	part := f.requireRelation(cmd.GetName(), Table, false)
	if part == nil || !f.requireRowRelation(part, pgerror.ActionUnsuited.NewRefusal("ATTACH PARTITION", part.Name.Name)) {
		return
	}
	part = f.Relation(part.OID)
	if part.Parent != 0 {
		f.addProblem(f.isHistoryComplete(), pgerror.AlreadyPartition, part.Name.Name)
		if f.failed {
			return
		}
		f.removeFromParent(f.editRelation(part.Parent), f.editRelation(part.OID))
	}
	if f.isInTree(part, parent.OID) {
		f.addProblem(true, pgerror.InheritCircular)
		return
	}
	part = f.editRelation(part.OID)
	f.markInheritedColumns(parent, part)
	part.copyRare().Bound = f.formatBound(cmd.GetBound())
	f.registerPartition(parent, part, cmd.GetBound().GetIsDefault())
}

// detachPartition is ALTER TABLE … DETACH PARTITION.
func (f *fold) detachPartition(parent *Relation, cmd *pgparse.PartitionCmd) {
	part := f.requireRelation(cmd.GetName(), Table, false)
	if part == nil {
		return
	}
	if part.Parent != parent.OID {
		switch {
		case part.Inferred || parent.Inferred:
		case parent.Kind != PartitionedTable:
			f.addConflict(true, pgerror.TableNotPartitioned, parent.Name.Name)
		default:
			f.addConflict(true, pgerror.NotPartitionOf, part.Name.Name, parent.Name.Name)
		}
		return
	}
	part = f.editRelation(part.OID)
	f.removeFromParent(parent, part)
	part.copyRare().Detached = true
}
