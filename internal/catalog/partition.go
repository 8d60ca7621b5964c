package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// partitionKey makes a table a partitioned one.
func (f *fold) partitionKey(t *Relation, spec *pgparse.PartitionSpec) {
	switch spec.GetStrategy() {
	case pgparse.PartitionStrategy_PARTITION_STRATEGY_LIST:
		t.own().Strategy = "list"
	case pgparse.PartitionStrategy_PARTITION_STRATEGY_RANGE:
		t.own().Strategy = "range"
	case pgparse.PartitionStrategy_PARTITION_STRATEGY_HASH:
		t.own().Strategy = "hash"
	}
	for _, n := range spec.GetPartParams() {
		e := n.GetPartitionElem()
		k := IndexKey{Opclass: last(e.GetOpclass()), Collation: last(e.GetCollation())}
		if e.GetName() != "" {
			c := t.Column(clip(e.GetName()))
			if c == nil {
				if !t.Partial {
					f.fail(f.sure(), refuse.PartitionKeyColumn, e.GetName())
				}
				continue
			}
			k.Column, k.Columns = c.Attnum, []int16{c.Attnum}
		} else {
			k.Expr, k.ExprText, k.Columns = e.GetExpr(), keyText(f.sql, e.GetExpr()), t.attnumsIn(e.GetExpr())
		}
		t.own().PartitionKey = append(t.PartitionKey, k)
	}
}

// partitionColumns gives a table of PARTITION OF its parent's columns and
// checks.
func (f *fold) partitionColumns(t *Relation, s *pgparse.CreateStmt) {
	if len(s.GetInhRelations()) == 0 {
		return
	}
	parent := f.relation(s.GetInhRelations()[0].GetRangeVar(), PartitionedTable, false)
	if parent == nil {
		return
	}
	if !f.isPartitioned(parent, refuse.NotPartitioned.Of(parent.Name.Name)) {
		return
	}
	t.Parent = parent.OID
	f.mergeParent(t, f.Relation(parent.OID))
}

// isPartitioned reports a table that is not partitioned; an inferred one
// becomes it.
func (f *fold) isPartitioned(r *Relation, no *refuse.Refusal) bool {
	if r.Kind == PartitionedTable {
		return true
	}
	if r.Inferred {
		f.become(f.edit(r.OID), PartitionedTable)
		return true
	}
	f.deny(f.sure(), no)
	return !f.failed && r.Kind.IsTable()
}

// joinPartition enters a new partition at its parent and gives it the parent's
// indexes, foreign keys and row triggers.
func (f *fold) joinPartition(t *Relation, s *pgparse.CreateStmt) {
	parent := f.edit(t.Parent)
	if parent == nil {
		return
	}
	t.own().Bound = f.bound(s.GetPartbound())
	f.enterPartition(parent, t, s.GetPartbound().GetIsDefault())
}

func (f *fold) enterPartition(parent, t *Relation, isDefault bool) {
	if isDefault {
		if parent.Default != 0 && f.Relation(parent.Default) != nil {
			f.fail(f.sure(), refuse.PartitionDefault, t.Name.Name, f.Relation(parent.Default).Name.Name)
			if f.failed {
				return
			}
		}
		parent.own().Default = t.OID
	}
	parent.own().Partitions = with(parent.Partitions, t.OID)
	t.Parent = parent.OID
	for _, oid := range parent.Indexes {
		if idx := f.edit(oid); idx != nil && idx.Kind == PartitionedIndex {
			f.partitionIndex(parent, t, idx)
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
		f.cloneTrigger(part, f.edit(oid), &next)
	}
}

// bound is a partition's bound in words: "FOR VALUES FROM (1) TO (2)".
func (f *fold) bound(b *pgparse.PartitionBoundSpec) string {
	if b.GetIsDefault() {
		return "DEFAULT"
	}
	switch {
	case b.GetStrategy() == "h":
		return "FOR VALUES WITH (modulus " + itoa(int(b.GetModulus())) + ", remainder " + itoa(int(b.GetRemainder())) + ")"
	case len(b.GetListdatums()) > 0:
		return "FOR VALUES IN (" + f.datums(b.GetListdatums()) + ")"
	}
	return "FOR VALUES FROM (" + f.datums(b.GetLowerdatums()) + ") TO (" + f.datums(b.GetUpperdatums()) + ")"
}

func (f *fold) datums(list []*pgparse.Node) string {
	parts := make([]string, len(list))
	for i, n := range list {
		switch m := pgparse.Unwrap(n).(type) {
		case *pgparse.A_Const:
			parts[i] = constText(n)
			if _, text := m.GetVal().(*pgparse.A_Const_Sval); text {
				parts[i] = "'" + parts[i] + "'"
			}
			if m.GetIsnull() {
				parts[i] = "NULL"
			}
		case *pgparse.ColumnRef:
			parts[i] = strings.ToUpper(last(m.GetFields()))
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
	if !f.isPartitioned(parent, refuse.TableNotPartitioned.Of(parent.Name.Name)) {
		return
	}
	part := f.relation(cmd.GetName(), Table, false)
	if part == nil || !f.holdsRows(part, refuse.ActionUnsuited.Of("ATTACH PARTITION", part.Name.Name)) {
		return
	}
	part = f.Relation(part.OID)
	if part.Parent != 0 {
		f.fail(f.sure(), refuse.AlreadyPartition, part.Name.Name)
		if f.failed {
			return
		}
		f.leaveParent(f.edit(part.Parent), f.edit(part.OID))
	}
	if f.below(part, parent.OID) {
		f.fail(true, refuse.InheritCircular)
		return
	}
	part = f.edit(part.OID)
	f.takeColumns(parent, part)
	part.own().Bound = f.bound(cmd.GetBound())
	f.enterPartition(parent, part, cmd.GetBound().GetIsDefault())
}

// below reports whether a relation is r itself or a partition or child of it.
func (f *fold) below(r *Relation, oid OID) bool {
	if r.OID == oid {
		return true
	}
	found := false
	f.walkChildren(r, func(child *Relation) { found = found || child.OID == oid })
	return found
}

// walkChildren calls do for every partition and child at every level.
func (f *fold) walkChildren(r *Relation, do func(*Relation)) {
	seen := map[OID]bool{r.OID: true}
	queue := []*Relation{r}
	for len(queue) > 0 {
		r, queue = queue[0], queue[1:]
		for _, list := range [][]OID{r.Partitions, r.Children} {
			for _, oid := range list {
				if child := f.Relation(oid); child != nil && !seen[oid] {
					seen[oid] = true
					do(child)
					queue = append(queue, child)
				}
			}
		}
	}
}

// takeColumns marks the columns and checks that a table has from the parent
// that it joins.
func (f *fold) takeColumns(parent, child *Relation) {
	f.using = true // one side may learn a column of the other
	if parent.Inferred && !child.Inferred {
		// What is known of the partition is known of the parent.
		for _, c := range child.Columns {
			if parent.Column(c.Name) == nil {
				parent.addColumn(c.elsewhere())
			}
		}
		parent.resolveGenerated()
	}
	for _, c := range parent.Columns {
		have := child.Column(c.Name)
		if have == nil {
			if !child.Inferred && !child.Partial {
				f.fail(f.sure() && !c.Inferred, refuse.ChildColumn, c.Name)
				if f.failed {
					return
				}
			}
			child.addColumn(c.elsewhere())
			have = child.Column(c.Name)
		}
		e := child.editColumn(have.Attnum)
		e.Inherited = true
		if parent.Kind == PartitionedTable {
			e.Local = false
		}
	}
	child.resolveGenerated()
	for _, con := range parent.Constraints {
		if con.Kind != Check || con.NoInherit {
			continue
		}
		if have := child.Constraint(con.Name); have != nil {
			child.editConstraint(have.ID).Parent = true
		} else if !child.Inferred && !child.Partial && !parent.Inferred {
			f.fail(f.sure(), refuse.ChildConstraint, con.Name)
			if f.failed {
				return
			}
		}
	}
}

// elsewhere is the column as another table has it, where a column has another
// number.
func (c *Column) elsewhere() *Column {
	next := *c
	next.Sequence = 0
	if next.GeneratedExpr != nil {
		next.own().GeneratedFrom = nil
	}
	return &next
}

// attachIndexPartition is ALTER INDEX … ATTACH PARTITION.
func (f *fold) attachIndexPartition(parent *Relation, cmd *pgparse.PartitionCmd) {
	child := f.relation(cmd.GetName(), Index, false)
	if child == nil || child.Index == nil || child.OID == parent.OID || child.Index.Parent == parent.OID {
		return
	}
	child = f.edit(child.OID)
	f.attachIndex(parent, child)
	parent = f.edit(parent.OID)
	if t := f.edit(child.Index.Table); t != nil {
		if c := t.Constraint(child.Index.Constraint); c != nil && c.Index == child.OID {
			t.editConstraint(c.ID).Parent = true
		}
	}
	f.validateIndex(parent)
}

// validateIndex marks a partitioned index valid once every partition of its
// table has a valid part.
func (f *fold) validateIndex(idx *Relation) {
	if idx.Index == nil || idx.Index.Valid {
		return
	}
	t := f.Relation(idx.Index.Table)
	if t == nil || t.Inferred {
		return
	}
	for _, oid := range t.Partitions {
		part := f.Relation(oid)
		if part == nil || part.Kind == ForeignTable {
			continue
		}
		if !slices.ContainsFunc(idx.Partitions, func(i OID) bool {
			c := f.Relation(i)
			return c != nil && c.Index != nil && c.Index.Table == oid && c.Index.Valid
		}) {
			return
		}
	}
	idx = f.edit(idx.OID)
	info := *idx.Index
	info.Valid = true
	idx.Index = &info
	if p := f.Relation(info.Parent); p != nil {
		f.validateIndex(p)
	}
}

// detachPartition is ALTER TABLE … DETACH PARTITION.
func (f *fold) detachPartition(parent *Relation, cmd *pgparse.PartitionCmd) {
	part := f.relation(cmd.GetName(), Table, false)
	if part == nil {
		return
	}
	if part.Parent != parent.OID {
		if !part.Inferred && !parent.Inferred {
			f.fail(f.sure(), refuse.NotPartitionOf, part.Name.Name, parent.Name.Name)
		}
		return
	}
	part = f.edit(part.OID)
	f.leaveParent(parent, part)
	part.own().Detached = true
}

func (f *fold) leaveParent(parent, part *Relation) {
	parent.own().Partitions = without(parent.Partitions, part.OID)
	if parent.Default == part.OID {
		parent.own().Default = 0
	}
	part.Parent, part.own().Bound = 0, ""
	f.ownColumns(part)
	for i, c := range part.Constraints {
		if c.Parent {
			part.Constraints = slices.Clone(part.Constraints)
			next := *c
			next.Parent = false
			part.Constraints[i] = &next
		}
	}
	for _, oid := range part.Indexes {
		idx := f.edit(oid)
		if idx == nil || idx.Index.Parent == 0 {
			continue
		}
		if p := f.edit(idx.Index.Parent); p != nil {
			p.own().Partitions = without(p.Partitions, oid)
		}
		info := *idx.Index
		info.Parent = 0
		idx.Index = &info
	}
	// The clones of the parent's triggers go.
	part.Triggers = slices.DeleteFunc(slices.Clone(part.Triggers), func(t *Trigger) bool { return t.Parent })
}

// ownColumns makes inherited columns a table's own.
func (f *fold) ownColumns(r *Relation) {
	for _, c := range r.Columns {
		if c.Inherited {
			e := r.editColumn(c.Attnum)
			e.Inherited, e.Local = false, true
		}
	}
}

// addInherit and dropInherit are ALTER TABLE … [NO] INHERIT.
func (f *fold) addInherit(child *Relation, rv *pgparse.RangeVar) {
	parent := f.relation(rv, Table, false)
	if parent == nil || !f.holdsRows(parent, refuse.ActionUnsuited.Of("INHERIT", parent.Name.Name)) {
		return
	}
	if slices.Contains(child.Inherits, parent.OID) {
		f.fail(f.sure(), refuse.InheritTwice, parent.Name.Name)
		return
	}
	if f.below(child, parent.OID) {
		f.fail(true, refuse.InheritCircular)
		return
	}
	parent = f.edit(parent.OID)
	f.takeColumns(parent, child)
	parent.own().Children = with(parent.Children, child.OID)
	child.own().Inherits = with(child.Inherits, parent.OID)
}

func (f *fold) dropInherit(child *Relation, rv *pgparse.RangeVar) {
	parent := f.relation(rv, Table, false)
	if parent == nil {
		return
	}
	if !slices.Contains(child.Inherits, parent.OID) {
		if !child.Inferred && !parent.Inferred {
			f.fail(f.sure(), refuse.NotParentOf, parent.Name.Name, child.Name.Name)
		}
		return
	}
	parent = f.edit(parent.OID)
	parent.own().Children = without(parent.Children, child.OID)
	child.own().Inherits = without(child.Inherits, parent.OID)
	for _, c := range slices.Clone(child.Columns) {
		if !c.Inherited || slices.ContainsFunc(child.Inherits, func(p OID) bool { r := f.Relation(p); return r != nil && r.Column(c.Name) != nil }) {
			continue // of another parent
		}
		e := child.editColumn(c.Attnum)
		e.Inherited, e.Local = false, true
	}
	for _, c := range parent.Constraints {
		if have := child.Constraint(c.Name); have != nil && have.Parent {
			child.editConstraint(have.ID).Parent = false
		}
	}
}
