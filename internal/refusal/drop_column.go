package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropColumn is DROP COLUMN.
func (a *Alteration) dropColumn(cmd *pgparse.AlterTableCmd) {
	col, known := a.FindColumn(a.Rel, cmd.GetName())
	switch {
	case col == nil:
		if a.Rel.Kind == catalog.CompositeType {
			a.typedTables(cmd.GetBehavior(), nil)
		}
		if known && !cmd.GetMissingOk() {
			a.RecordRefusal(pgerror.ColumnMissing, cmd.GetName(), a.Rel.Name.Name)
		}
	case a.Rel.OfType != 0:
		a.RecordRefusal(pgerror.DropFromTyped)
	case a.Rel.Kind == catalog.PartitionedTable && !a.Recurse:
		a.RecordRefusal(pgerror.DropOnlyHere)
	case col.Inherited:
		a.RecordRefusal(pgerror.DropInherited, col.Name)
	case PartitionedBy(a.Rel, col):
		a.RecordRefusal(pgerror.DropPartitionKey, col.Name, a.Rel.Name.Name)
	default:
		if cmd.GetBehavior() != pgparse.DropBehavior_DROP_CASCADE {
			a.DropDown(col.Name, func(*catalog.Relation) {}, func(rel *catalog.Relation, col *catalog.Column) {
				if a.isNeeded(rel, col) {
					a.RecordRefusal(pgerror.ColumnHasDependents, col.Name, rel.Name.Name)
				}
			})
		}
		if a.Rel.Kind == catalog.CompositeType {
			a.typedTables(cmd.GetBehavior(), nil)
		}
	}
}

// DropDown goes through the tables that a DROP COLUMN reaches: drop is called for
// those that lose the column, what inherits it first. A child's own column stays,
// and its children are left alone.
func (a *Alteration) DropDown(name string, reach func(*catalog.Relation), drop func(*catalog.Relation, *catalog.Column)) {
	a.visitInheritanceTree(func(rel *catalog.Relation, kids func()) {
		reach(rel)
		col := rel.Column(name)
		if col == nil || rel != a.Rel && (!a.Recurse || col.Local) {
			return
		}
		kids()
		drop(rel, col)
	})
}

// PartitionedBy reports whether a column is part of a table's partition key.
func PartitionedBy(rel *catalog.Relation, col *catalog.Column) bool {
	for _, k := range rel.PartitionKey {
		if k.Column == col.Attnum || contains(k.Columns, col.Attnum) {
			return true
		}
	}
	return false
}

// isNeeded reports whether something depends on a column, so that it cannot be
// dropped without CASCADE.
func (a *Alteration) isNeeded(rel *catalog.Relation, col *catalog.Column) bool {
	for _, ref := range a.C.ListReferences(rel, false) {
		if ref.From != rel && (contains(ref.Con.RefColumns, col.Attnum) || len(ref.Con.RefColumns) == 0 && InPrimaryKey(rel, col)) {
			return true
		}
	}
	none := func(*catalog.Relation) bool { return false }
	if s := a.C.Relation(col.Sequence); s != nil && a.IsSequenceTaken(s, col.Name, none) {
		return true
	}
	for _, other := range rel.Columns {
		// Up to 14 a generated column goes silently.
		if other != col && contains(other.GeneratedFrom, col.Attnum) && a.V.AtLeast(15) {
			return true
		}
	}
	if usedByTrigger(rel, col) || a.ReadElsewhere(rel, col.Attnum, none) {
		return true
	}
	for _, v := range ViewsReading(a.C, rel, col) {
		if !a.gone[v.OID] {
			return true
		}
	}
	return false
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
