package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// attachIndexPartition is ALTER INDEX … ATTACH PARTITION.
func (f *fold) attachIndexPartition(parent *Relation, cmd *pgparse.PartitionCmd) {
	child := f.requireRelation(cmd.GetName(), Index, false)
	if child == nil || child.Index == nil || child.OID == parent.OID || child.Index.Parent == parent.OID {
		return
	}
	child = f.editRelation(child.OID)
	f.attachIndex(parent, child)
	parent = f.editRelation(parent.OID)
	if t := f.editRelation(child.Index.Table); t != nil {
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
	idx = f.editRelation(idx.OID)
	info := *idx.Index
	info.Valid = true
	idx.Index = &info
	if p := f.Relation(info.Parent); p != nil {
		f.validateIndex(p)
	}
}
