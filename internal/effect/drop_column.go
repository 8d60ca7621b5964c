package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// dropColumn is DROP COLUMN.
func (a *alter) dropColumn(cmd *pgparse.AlterTableCmd) {
	cascade := cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	col, known := a.Column(a.rel, cmd.GetName())
	if col == nil {
		if a.rel.Kind == catalog.CompositeType {
			a.typedTables(cmd.GetBehavior(), nil)
		}
		if known && !cmd.GetMissingOk() {
			a.Refuse(refuse.ColumnMissing, cmd.GetName(), a.rel.Name.Name)
		}
		return
	}
	if a.rel.OfType != 0 {
		a.Refuse(refuse.DropFromTyped)
		return
	}
	if a.rel.Kind == catalog.PartitionedTable && !a.recurse {
		a.Refuse(refuse.DropOnlyHere)
		return
	}
	if col.Inherited {
		a.Refuse(refuse.DropInherited, col.Name)
		return
	}
	if partitionedBy(a.rel, col) {
		a.Refuse(refuse.DropPartitionKey, col.Name, a.rel.Name.Name)
		return
	}
	a.droppedColumns = append(a.droppedColumns, col.Name)
	for _, con := range a.rel.Constraints {
		if contains(con.Columns, col.Attnum) {
			a.droppedConstraints = append(a.droppedConstraints, con) // it goes with its column
		}
	}
	a.dropDown(a.rel, col.Name, cascade, &[]catalog.OID{})
	if a.rel.Kind == catalog.CompositeType {
		a.typedTables(cmd.GetBehavior(), nil)
	}
}

// dropDown drops a column of a table and, unless ONLY, of what inherits it. A
// child's own column stays, and its children are left alone.
func (a *alter) dropDown(rel *catalog.Relation, name string, cascade bool, seen *[]catalog.OID) {
	a.child(rel)
	if contains(*seen, rel.OID) {
		return // it has two parents here
	}
	*seen = append(*seen, rel.OID)
	col := rel.Column(name)
	if col == nil || rel != a.rel && (!a.recurse || col.Local) {
		return
	}
	for _, k := range a.C.Kids(rel) {
		a.dropDown(k, name, cascade, seen)
	}
	a.dropColumnParts(rel, col, cascade, 0)
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
	if depth > maxDepth || contains(r.without, this) {
		return
	}
	r.without = append(r.without, this)
	for _, index := range r.C.IndexesOf(rel) {
		if usesColumn(index.Index, col) {
			r.dropIndexTree(index, "index on "+col.Name)
		}
	}
	for _, con := range rel.Constraints {
		if con.Kind == catalog.ForeignKey && contains(con.Columns, col.Attnum) && con.Ref != rel.OID {
			r.dropForeignKey(con, true)
		}
	}
	for _, ref := range r.C.References(rel, false) {
		uses := contains(ref.Con.RefColumns, col.Attnum) || len(ref.Con.RefColumns) == 0 && inPrimaryKey(rel, col)
		if !uses || ref.From == rel {
			continue
		}
		if !cascade {
			r.Refuse(refuse.ColumnHasDependents, col.Name, rel.Name.Name)
			return
		}
		for _, t := range r.C.Tree(ref.From, ref.From.Kind == catalog.PartitionedTable) {
			r.lockFor(t, ael, "its foreign key "+ref.Con.Name+" is dropped")
		}
	}
	if s := r.C.Relation(col.Sequence); s != nil {
		r.drop(s, "owned by the column "+col.Name)
		if !r.dropNumbers(s, col.Name, cascade) {
			r.Refuse(refuse.ColumnHasDependents, col.Name, rel.Name.Name)
			return
		}
	}
	for _, other := range rel.Columns {
		if other != col && contains(other.GeneratedFrom, col.Attnum) {
			// Up to 14 a generated column goes silently.
			if !cascade && r.V.AtLeast(15) {
				r.Refuse(refuse.ColumnHasDependents, col.Name, rel.Name.Name)
				return
			}
			r.dropColumnParts(rel, other, true, depth+1)
		}
	}
	if !cascade && usedByTrigger(rel, col) {
		r.Refuse(refuse.ColumnHasDependents, col.Name, rel.Name.Name)
		return
	}
	if !r.dropPolicies(rel, col.Attnum, cascade) {
		r.Refuse(refuse.ColumnHasDependents, col.Name, rel.Name.Name)
		return
	}
	for _, v := range r.C.Rels(rel.Dependents) {
		if v.View == nil || !contains(v.View.Columns[rel.OID], col.Attnum) || r.dropped(v.OID) {
			continue
		}
		if !cascade {
			r.Refuse(refuse.ColumnHasDependents, col.Name, rel.Name.Name)
			return
		}
		r.drop(v, "reads the column "+col.Name)
		r.dropRelation(v, true, depth+1)
	}
}

// usedByTrigger reports whether a trigger or policy names a column.
func usedByTrigger(rel *catalog.Relation, col *catalog.Column) bool {
	for _, t := range rel.Triggers {
		if contains(t.Columns, col.Attnum) || contains(t.Uses, col.Attnum) {
			return true
		}
	}
	for _, p := range rel.Policies {
		if contains(p.Uses, col.Attnum) {
			return true
		}
	}
	return false
}
