package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkAttachPartition checks ATTACH PARTITION, of a table or of an index.
func (a *Alteration) checkAttachPartition(cmd *pgparse.PartitionCmd) {
	rv := cmd.GetName()
	if a.Rel.Kind == catalog.PartitionedIndex || a.Rel.Kind == catalog.Index {
		if index := a.FindTable(rv); index != nil {
			a.KeepRefusal(a.checkAttachedIndex(index))
		}
		return
	}
	if part := a.FindTable(rv); part != nil && !part.Inferred && a.Rel.Kind == catalog.PartitionedTable && !a.Rel.Inferred {
		_ = a.checkPartitionOverlap(part.Name, a.Rel, cmd.GetBound()) && a.requireSameColumns(part) && a.requireNotNull(part, a.Rel) && a.requireNotExcepted(part)
	}
}

// requireNotExcepted refuses a partition that EXCEPT of a publication names.
func (a *Alteration) requireNotExcepted(part *catalog.Relation) bool {
	list := a.C.ListExceptions(part)
	if len(list) == 0 {
		return true
	}
	words := "publication"
	if len(list) > 1 {
		words += "s"
	}
	for i, o := range list {
		if i > 0 {
			words += ","
		}
		words += ` "` + o.Name.Name + `"`
	}
	a.RecordRefusal(pgerror.PublicationAttached, part.Name.Name, words)
	return false
}

// requireSameColumns refuses a partition with other columns than its parent has. One
// that lacks a column the catalog refuses.
func (a *Alteration) requireSameColumns(part *catalog.Relation) bool {
	if !a.IsFullyKnown(part) || !a.IsFullyKnown(a.Rel) {
		return true
	}
	for _, col := range part.Columns {
		parentColumn := a.Rel.Column(col.Name)
		switch {
		case parentColumn == nil:
			a.RecordRefusal(pgerror.PartitionExtra, part.Name.Name, col.Name, a.Rel.Name.Name)
		case col.Inferred || parentColumn.Inferred || !col.Type.IsKnown() || !parentColumn.Type.IsKnown():
			continue
		case !SameType(col.Type, parentColumn.Type):
			a.RecordRefusal(pgerror.ChildType, part.Name.Name, col.Name)
		case col.Identity != "" && a.V.AtLeast(17):
			a.RecordRefusal(pgerror.PartitionIdentity, part.Name.Name, col.Name)
		default:
			continue
		}
		return false
	}
	return true
}

// requireNotNull refuses a child that may hold NULL where its parent may not.
func (a *Alteration) requireNotNull(child, parent *catalog.Relation) bool {
	for _, col := range parent.Columns {
		childColumn := child.Column(col.Name)
		if childColumn == nil || childColumn.Inferred || childColumn.NotNull || !col.NotNull || isOwnNotNull(parent, col) {
			continue
		}
		childLabel := "child table"
		if a.V.AtLeast(18) {
			childLabel += ` "` + child.Name.Name + `"`
		}
		a.RecordRefusal(pgerror.ChildNotNull, col.Name, childLabel)
		return false
	}
	return true
}

// checkInherit refuses a parent whose columns the table does not keep.
func (a *Alteration) checkInherit(parent *catalog.Relation) {
	switch {
	case a.Rel.Parent != 0:
		a.RecordRefusal(pgerror.PartitionInherits)
	case parent.Kind == catalog.PartitionedTable:
		a.RecordRefusal(pgerror.InheritPartitioned, parent.Name.Name)
	default:
		a.requireNotNull(a.Rel, parent)
	}
}

// checkAttachedIndex returns the refusal of an index as a partition of the altered one, because
// it is on another table or has another definition; nil if the server accepts it.
func (a *Alteration) checkAttachedIndex(index *catalog.Relation) *pgerror.Refusal {
	have, want := index.Index, a.Rel.Index
	part, parent := a.C.TableOf(index), a.C.TableOf(a.Rel)
	switch {
	case have == nil || want == nil || index.Inferred || a.Rel.Inferred || part == nil || parent == nil || part.Inferred || parent.Inferred:
		return nil
	case part.Parent != parent.OID:
		return pgerror.IndexElsewhere.NewRefusal(index.Name.Name, a.Rel.Name.Name)
	case have.Method != want.Method || have.Unique != want.Unique || len(have.Keys) != len(want.Keys) || !SameKeys(part, parent, have.Keys, want.Keys):
		return pgerror.IndexUnlike.NewRefusal(index.Name.Name, a.Rel.Name.Name)
	}
	return nil
}

// SameKeys reports whether the keys of two indexes are the same, of a table and
// of its parent; there are as many of them.
func SameKeys(part, parent *catalog.Relation, have, want []catalog.IndexKey) bool {
	for n := range want {
		h, w := part.Attr(have[n].Column), parent.Attr(want[n].Column)
		if (h == nil) != (w == nil) || h != nil && h.Name != w.Name || h == nil && have[n].ExprText != want[n].ExprText ||
			have[n].Opclass != want[n].Opclass || have[n].Collation != want[n].Collation {
			return false
		}
	}
	return true
}

// checkDetachPartition checks DETACH PARTITION.
func (a *Alteration) checkDetachPartition(cmd *pgparse.PartitionCmd) {
	if cmd.GetConcurrent() && !a.V.AtLeast(14) {
		a.RecordRefusal(pgerror.SyntaxAt, "CONCURRENTLY")
		return
	}
	if part := a.FindTable(cmd.GetName()); part != nil && cmd.GetConcurrent() && a.Rel.Default != 0 {
		a.RecordRefusal(pgerror.DetachConcurrently)
	}
}

// checkFinalizeDetach checks DETACH PARTITION … FINALIZE.
func (a *Alteration) checkFinalizeDetach(cmd *pgparse.PartitionCmd) {
	if !a.V.AtLeast(14) {
		a.RecordRefusal(pgerror.SyntaxAt, "FINALIZE")
		return
	}
	a.FindTable(cmd.GetName())
}
