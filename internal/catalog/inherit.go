package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// isInTree reports whether a relation is r itself or a partition or child of it.
func (f *fold) isInTree(r *Relation, oid OID) bool {
	if r.OID == oid {
		return true
	}
	found := false
	f.walkChildren(r, func(child *Relation) { found = found || child.OID == oid })
	return found
}

// walkChildren calls visit for every partition and child at every level.
func (f *fold) walkChildren(r *Relation, visit func(*Relation)) {
	seen := map[OID]bool{r.OID: true}
	queue := []*Relation{r}
	for len(queue) > 0 {
		r, queue = queue[0], queue[1:]
		for _, list := range [][]OID{r.Partitions, r.Children} {
			for _, oid := range list {
				if child := f.Relation(oid); child != nil && !seen[oid] {
					seen[oid] = true
					visit(child)
					queue = append(queue, child)
				}
			}
		}
	}
}

// markInheritedColumns marks the columns and checks of a child that its new parent
// has too, after INHERIT or ATTACH PARTITION.
func (f *fold) markInheritedColumns(parent, child *Relation) {
	f.using = true // one side may learn a column of the other
	if parent.Inferred && !child.Inferred {
		// The known columns of the partition are columns of the parent, too.
		for _, c := range child.Columns {
			if parent.Column(c.Name) == nil {
				f.attachColumn(parent, c.copyForOtherTable())
			}
		}
		parent.resolveGeneratedColumns()
	}
	for _, c := range parent.Columns {
		have := child.Column(c.Name)
		if have == nil {
			if !child.Inferred && !child.Partial {
				f.addProblem(f.isHistoryComplete() && !c.Inferred, pgerror.ChildColumn, c.Name)
				if f.failed {
					return
				}
			}
			f.attachColumn(child, c.copyForOtherTable())
			have = child.Column(c.Name)
		}
		partition := parent.Kind == PartitionedTable
		if have.Inherited && (!partition || !have.Local) {
			continue
		}
		e := child.editColumn(have.Attnum)
		e.Inherited, e.Local = true, e.Local && !partition
	}
	child.resolveGeneratedColumns()
	for _, con := range parent.Constraints {
		if con.Kind != Check || con.NoInherit {
			continue
		}
		if have := child.Constraint(con.Name); have != nil {
			child.editConstraint(have.ID).Parent = true
		} else if !child.Inferred && !child.Partial && !parent.Inferred {
			f.addProblem(f.isHistoryComplete(), pgerror.ChildConstraint, con.Name)
			if f.failed {
				return
			}
		}
	}
}

// copyForOtherTable is the column as another table has it, where a column has another
// number.
func (c *Column) copyForOtherTable() *Column {
	next := *c
	next.Sequence = 0
	if next.GeneratedExpr != nil {
		next.copyRare().GeneratedFrom = nil
	}
	return &next
}

func (f *fold) removeFromParent(parent, part *Relation) {
	parent.copyRare().Partitions = removeValue(parent.Partitions, part.OID)
	if parent.Default == part.OID {
		parent.copyRare().Default = 0
	}
	part.Parent, part.copyRare().Bound = 0, ""
	f.makeColumnsLocal(part)
	for i, c := range part.Constraints {
		if c.Parent {
			part.Constraints = slices.Clone(part.Constraints)
			next := *c
			next.Parent = false
			part.Constraints[i] = &next
		}
	}
	for _, oid := range part.Indexes {
		idx := f.editRelation(oid)
		if idx == nil || idx.Index.Parent == 0 {
			continue
		}
		if p := f.editRelation(idx.Index.Parent); p != nil {
			p.copyRare().Partitions = removeValue(p.Partitions, oid)
		}
		info := *idx.Index
		info.Parent = 0
		idx.Index = &info
	}
	// The clones of the parent's triggers go.
	part.Triggers = slices.DeleteFunc(slices.Clone(part.Triggers), func(t *Trigger) bool { return t.Parent })
}

// makeColumnsLocal makes inherited columns a table's own.
func (f *fold) makeColumnsLocal(r *Relation) {
	for _, c := range r.Columns {
		if c.Inherited {
			e := r.editColumn(c.Attnum)
			e.Inherited, e.Local = false, true
		}
	}
}

// addInherit and dropInherit are ALTER TABLE … [NO] INHERIT.
func (f *fold) addInherit(child *Relation, rv *pgparse.RangeVar) {
	parent := f.requireRelation(rv, Table, false)
	if parent == nil || !f.requireRowRelation(parent, pgerror.ActionUnsuited.NewRefusal("INHERIT", parent.Name.Name)) {
		return
	}
	if slices.Contains(child.Inherits, parent.OID) {
		f.addProblem(f.isHistoryComplete(), pgerror.InheritTwice, parent.Name.Name)
		return
	}
	if f.isInTree(child, parent.OID) {
		f.addProblem(true, pgerror.InheritCircular)
		return
	}
	parent = f.editRelation(parent.OID)
	f.markInheritedColumns(parent, child)
	parent.copyRare().Children = appendShared(f, parent.Children, child.OID)
	child.copyRare().Inherits = appendShared(f, child.Inherits, parent.OID)
}

func (f *fold) dropInherit(child *Relation, rv *pgparse.RangeVar) {
	parent := f.requireRelation(rv, Table, false)
	if parent == nil {
		return
	}
	if !slices.Contains(child.Inherits, parent.OID) {
		if !child.Inferred && !parent.Inferred {
			f.addProblem(f.isHistoryComplete(), pgerror.NotParentOf, parent.Name.Name, child.Name.Name)
		}
		return
	}
	parent = f.editRelation(parent.OID)
	parent.copyRare().Children = removeValue(parent.Children, child.OID)
	child.copyRare().Inherits = removeValue(child.Inherits, parent.OID)
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
