package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// columnRename gives the table a second column, and a trigger that fills each from the other,
// until nobody uses the old name.
var columnRename = &Recipe{Name: "column-rename", Make: func(c *Change) *Made {
	stmt := c.Node.GetRenameStmt()
	if stmt == nil || stmt.RenameType != pgparse.ObjectType_OBJECT_COLUMN || stmt.RelationType != pgparse.ObjectType_OBJECT_TABLE {
		return nil
	}
	t := c.table()
	if t == nil || t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable {
		return nil
	}
	col := t.Column(stmt.Subname)
	if col == nil || !col.Type.Known() {
		m := &Made{}
		m.missing("the type of %s.%s is not known: the history does not show how it was made; --db reads it from a server", t.Name, stmt.Subname)
		return m
	}
	w := &twin{c: c, t: t, old: col, fresh: stmt.Newname, final: stmt.Newname, typ: typeName(col.Type), there: "$1", both: true}
	if col.Collation != "" {
		w.collate = " COLLATE " + quote(col.Collation)
	}
	return w.made()
}}
