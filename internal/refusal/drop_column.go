package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkDropColumn checks DROP COLUMN.
func (a *Alteration) checkDropColumn(cmd *pgparse.AlterTableCmd) {
	col := a.Rel.Column(cmd.GetName())
	switch {
	case a.Rel.Kind == catalog.CompositeType:
		a.checkTypedTables(cmd.GetBehavior(), nil)
	case col == nil:
	case a.Rel.OfType != 0:
		a.RecordRefusal(pgerror.DropFromTyped)
	case a.Rel.Kind == catalog.PartitionedTable && !a.Recurse:
		a.RecordRefusal(pgerror.DropOnlyHere)
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
