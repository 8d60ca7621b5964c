package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// dropColumn records the effects of DROP COLUMN.
func (a *alterState) dropColumn(cmd *pgparse.AlterTableCmd) {
	cascade := cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	if col, _ := a.FindColumn(a.rel, cmd.GetName()); col != nil {
		a.now.DropDown(col.Name, a.lockChild, func(rel *catalog.Relation, col *catalog.Column) {
			a.lockColumnParts(rel, col, cascade, 0)
		})
	}
	if a.rel.Kind == catalog.CompositeType {
		a.lockTypedTables(nil)
	}
}

// columnKey identifies a column of a relation.
type columnKey struct {
	relation catalog.OID
	column   int16
}

// lockColumnParts locks what is dropped with a column, and the tables that lose a foreign key, default or policy by it.
func (r *run) lockColumnParts(rel *catalog.Relation, col *catalog.Column, cascade bool, depth int) {
	key := columnKey{rel.OID, col.Attnum}
	if depth > maxDepth || r.droppedColumns[key] {
		return
	}
	if r.droppedColumns == nil {
		r.droppedColumns = map[columnKey]bool{}
	}
	r.droppedColumns[key] = true
	for _, index := range r.C.IndexesOf(rel) {
		if index.Index.UsesColumn(col.Attnum) {
			r.dropIndexTree(index, "index on "+col.Name)
		}
	}
	for _, con := range rel.Constraints {
		// A table that refers to itself is locked already.
		if con.Kind == catalog.ForeignKey && contains(con.Columns, col.Attnum) && con.Ref != rel.OID {
			r.dropForeignKey(con, true)
		}
	}
	for _, ref := range r.C.ListReferences(rel, false) {
		uses := contains(ref.Con.RefColumns, col.Attnum) || len(ref.Con.RefColumns) == 0 && refusal.InPrimaryKey(rel, col)
		if !uses || ref.From == rel || !cascade { // without CASCADE the server refuses the drop
			continue
		}
		for _, t := range r.C.ListTree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
			r.lockWithReason(t, accessExclusive, "its foreign key "+ref.Con.Name+" is dropped")
		}
	}
	if s := r.C.Relation(col.Sequence); s != nil {
		r.recordDropped(s, "owned by the column "+col.Name)
		r.lockSequenceTakers(s, col.Name, cascade)
	}
	for _, other := range rel.Columns {
		if other != col && contains(other.GeneratedFrom, col.Attnum) {
			r.lockColumnParts(rel, other, true, depth+1)
		}
	}
	r.lockPolicyTables(rel, col.Attnum, cascade)
	if cascade {
		r.recordDroppedReaders(rel, col, depth)
	}
}

// recordDroppedReaders records that the views that read a dropped column are dropped, too.
func (r *run) recordDroppedReaders(rel *catalog.Relation, col *catalog.Column, depth int) {
	for _, v := range refusal.ViewsReading(r.C, rel, col) {
		if !r.isDropped(v.OID) {
			r.recordDropped(v, "reads the column "+col.Name)
			r.dropRelation(v, true, depth+1)
		}
	}
}
