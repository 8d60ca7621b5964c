package catalog

import (
	"slices"
)

// dropRelation drops a relation with all that depends on it.
func (f *fold) dropRelation(oid OID) {
	r := f.Relation(oid)
	if r == nil || f.depth > maxDepth {
		return
	}
	f.depth++
	defer func() { f.depth-- }()
	if r.Index != nil {
		f.dropIndex(r)
		return
	}
	f.removeSequence(oid)
	for _, v := range r.Dependents {
		f.dropRelation(v)
	}
	f.dropPoliciesOver(oid, 0)
	f.dropRulesOver(oid, 0)
	f.dropBodiesOver(oid, 0)
	f.dropReferences(r)
	f.detachIndexes(r)
	for _, list := range [][]OID{r.Partitions, r.Children} {
		for _, child := range list {
			f.dropRelation(child)
		}
	}
	f.dropOwnedObjects(r)
	f.removeFromParents(r)
	if r.View != nil {
		f.removeDependent(r)
	}
	if r.Seq != nil && r.Seq.OwnerTable != 0 {
		f.removeSequenceDefault(r)
	}
	f.removeFromPublications(oid)
	if r.Kind == CompositeType {
		if u := f.LookupType(r.Name.Schema, r.Name.Name); u != nil && u.Relation == oid {
			f.removeType(u.OID)
		}
	}
}

// dropWithRowType drops a relation that a statement names, with the columns of its row
// type and the functions that take or return its rows.
func (f *fold) dropWithRowType(oid OID) {
	r := f.Relation(oid)
	if r != nil && r.Kind != CompositeType && r.Seq == nil && r.Index == nil {
		f.dropColumnsOfType(oid, f.columnUsersOf(oid, oid))
		f.dropFunctionsWith(oid)
	}
	f.dropRelation(oid)
}

// dropReferences drops the foreign keys that point to a dropped relation, and takes
// its own off the lists of those that they point to.
func (f *fold) dropReferences(r *Relation) {
	for _, o := range r.ReferencedBy {
		other := f.editRelation(o)
		if other == nil {
			continue
		}
		other.Constraints = slices.DeleteFunc(slices.Clone(other.Constraints), func(c *Constraint) bool {
			return c.Kind == ForeignKey && c.Ref == r.OID
		})
	}
	for _, c := range r.Constraints {
		if ref := f.Relation(c.Ref); c.Kind == ForeignKey && ref != nil {
			ref = f.editRelation(ref.OID)
			ref.ReferencedBy = removeValue(ref.ReferencedBy, r.OID)
		}
	}
}

// detachIndexes empties the lists of a dropped table's partitioned indexes at once. Each dropped
// partition would copy such a list to leave it.
func (f *fold) detachIndexes(r *Relation) {
	for _, oid := range r.Indexes {
		if idx := f.Relation(oid); idx != nil && len(idx.Partitions) > 0 {
			f.editRelation(oid).copyRare().Partitions = nil
		}
	}
}

// dropOwnedObjects drops what belongs to a dropped relation: its indexes, the sequences
// of its columns, its statistics.
func (f *fold) dropOwnedObjects(r *Relation) {
	for _, i := range r.Indexes {
		if idx := f.Relation(i); idx != nil {
			f.removeFromPartitionedIndex(idx)
			f.removeRelation(i)
		}
	}
	for _, c := range r.Columns {
		if c.Sequence != 0 && f.Relation(c.Sequence) != nil {
			f.removeSequence(c.Sequence)
		}
	}
	for _, name := range r.Statistics {
		f.removeObject("statistics object", name)
	}
}

// removeFromParents takes a dropped relation off the lists of its parents.
func (f *fold) removeFromParents(r *Relation) {
	if p := f.editRelation(r.Parent); p != nil {
		p.copyRare().Partitions = removeValue(p.Partitions, r.OID)
		if p.Default == r.OID {
			p.copyRare().Default = 0
		}
	}
	for _, o := range r.Inherits {
		if p := f.editRelation(o); p != nil {
			p.copyRare().Children = removeValue(p.Children, r.OID)
		}
	}
}

// removeDependent takes a view out of the lists of what it reads.
func (f *fold) removeDependent(v *Relation) {
	for _, oid := range v.View.Reads {
		if r := f.Relation(oid); r != nil && slices.Contains(r.Dependents, v.OID) {
			r = f.editRelation(oid)
			r.Dependents = removeValue(r.Dependents, v.OID)
		}
	}
}

// removeSequenceDefault takes a dropped sequence, and the default that uses it, off
// its column.
func (f *fold) removeSequenceDefault(seq *Relation) {
	t := f.editRelation(seq.Seq.OwnerTable)
	if t == nil {
		return
	}
	if c := t.Attr(seq.Seq.OwnerColumn); c != nil && c.Sequence == seq.OID {
		e := t.editColumn(c.Attnum)
		e.Sequence = 0
		e.Default, e.DefaultText, e.Takes = nil, "", 0
	}
}

// dropIndex drops an index, with the constraint that uses it.
func (f *fold) dropIndex(idx *Relation) {
	if t := f.editRelation(idx.Index.Table); t != nil && idx.Index.Constraint != "" {
		if c := t.Constraint(idx.Index.Constraint); c != nil {
			f.forgetConstraint(t, c)
			return
		}
	}
	for _, u := range f.IndexUsers(idx) {
		f.forgetConstraint(f.editRelation(u.From), u.Constraint)
	}
	f.forgetIndex(idx.OID)
}

func (f *fold) removeFromPartitionedIndex(idx *Relation) {
	if p := f.Relation(idx.Index.Parent); p != nil {
		p = f.editRelation(p.OID)
		p.copyRare().Partitions = removeValue(p.Partitions, idx.OID)
	}
}
