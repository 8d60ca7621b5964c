package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// dropColumn is DROP COLUMN.
func (a *alterState) dropColumn(cmd *pgparse.AlterTableCmd) {
	cascade := cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	if col, _ := a.FindColumn(a.rel, cmd.GetName()); col != nil {
		a.now.DropDown(col.Name, a.lockChild, func(rel *catalog.Relation, col *catalog.Column) {
			a.dropColumnParts(rel, col, cascade, 0)
		})
	}
	if a.rel.Kind == catalog.CompositeType {
		a.typedTables(nil)
	}
}

// columnOf is a column of a relation.
type columnOf struct {
	relation catalog.OID
	column   int16
}

// dropColumnParts locks what goes with a column, and what loses something by
// it.
func (r *run) dropColumnParts(rel *catalog.Relation, col *catalog.Column, cascade bool, depth int) {
	this := columnOf{rel.OID, col.Attnum}
	if depth > maxDepth || r.without[this] {
		return
	}
	if r.without == nil {
		r.without = map[columnOf]bool{}
	}
	r.without[this] = true
	for _, index := range r.C.IndexesOf(rel) {
		if index.Index.UsesColumn(col.Attnum) {
			r.dropIndexTree(index, "index on "+col.Name)
		}
	}
	for _, con := range rel.Constraints {
		if con.Kind == catalog.ForeignKey && contains(con.Columns, col.Attnum) && con.Ref != rel.OID {
			r.dropForeignKey(con, true)
		}
	}
	for _, ref := range r.C.ListReferences(rel, false) {
		uses := contains(ref.Con.RefColumns, col.Attnum) || len(ref.Con.RefColumns) == 0 && refusal.InPrimaryKey(rel, col)
		if !uses || ref.From == rel || !cascade {
			continue
		}
		for _, t := range r.C.ListTree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
			r.lockFor(t, ael, "its foreign key "+ref.Con.Name+" is dropped")
		}
	}
	if s := r.C.Relation(col.Sequence); s != nil {
		r.recordDropped(s, "owned by the column "+col.Name)
		r.dropNumbers(s, col.Name, cascade)
	}
	for _, other := range rel.Columns {
		if other != col && contains(other.GeneratedFrom, col.Attnum) {
			r.dropColumnParts(rel, other, true, depth+1)
		}
	}
	r.dropPolicies(rel, col.Attnum, cascade)
	if cascade {
		r.dropReaders(rel, col, depth)
	}
}

// dropReaders drops the views that read a dropped column.
func (r *run) dropReaders(rel *catalog.Relation, col *catalog.Column, depth int) {
	for _, v := range refusal.ViewsReading(r.C, rel, col) {
		if !r.isDropped(v.OID) {
			r.recordDropped(v, "reads the column "+col.Name)
			r.dropRelation(v, true, depth+1)
		}
	}
}
