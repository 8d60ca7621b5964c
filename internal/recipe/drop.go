package recipe

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnDrop first makes the column optional for the new code, and drops it when the deployed code is
// gone.
var columnDrop = &Recipe{Name: "column-drop", Make: func(c *Change) *Steps {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_DropColumn {
		return nil
	}
	t := c.AlteredRelation()
	m := &Steps{}
	alter := "ALTER TABLE " + tableName(t)
	col, text := t.Column(c.Command.Name), c.Text
	colChange := c.findColumnChange()
	if colChange != nil && colChange.old != nil {
		col = colChange.old // no other change of it is planned
	}
	if col != nil && col.Name != c.Command.Name {
		text = "DROP COLUMN " + quoteIdent(col.Name) // it never gets its new name
		if c.Command.Behavior == pgparse.DropBehavior_DROP_CASCADE {
			text += " CASCADE"
		}
	}
	if col != nil && col.IsRequired() && t.Kind != catalog.View {
		s := m.addStep(onward.Expand, onward.StepDDL, "allow NULL in "+t.Name.Name+"."+col.Name+", because the new code leaves it out",
			alter+" ALTER COLUMN "+quoteIdent(col.Name)+" DROP NOT NULL")
		s.Undo = []string{alter + " ALTER COLUMN " + quoteIdent(col.Name) + " SET NOT NULL"}
		if isInPrimaryKey(t, col) {
			m.Steps = nil
			m.addMissing("%s is part of the primary key of %s: the new code cannot leave it out before it is dropped", col.Name, t.Name)
		}
	}
	name := c.Command.Name
	if col != nil {
		name = col.Name
	}
	m.addStep(onward.Contract, onward.StepDDL, "drop column "+name+" of "+t.Name.Name+", which no code uses any more", alter+" "+text)
	return m
}}

func isInPrimaryKey(t *catalog.Relation, col *catalog.Column) bool {
	for _, con := range t.Constraints {
		if con.Kind != catalog.PrimaryKey {
			continue
		}
		for _, a := range con.Columns {
			if a == col.Attnum {
				return true
			}
		}
	}
	return false
}

// tableDrop drops a table, a view or a sequence when the deployed code is gone.
var tableDrop = &Recipe{Name: "table-drop", Make: func(c *Change) *Steps {
	stmt := c.Node.GetDropStmt()
	if stmt == nil {
		return nil
	}
	switch stmt.RemoveType {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_SEQUENCE,
		pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
	default:
		return nil
	}
	m := &Steps{}
	if name := c.reusedName(stmt); name != "" {
		m.addMissing("%s:%d drops %[3]s, and the release creates another %[3]s: deployed code and new code would mean two objects by one name. "+
			"Create the new one under a name of its own, or drop the old one a release before, when no code uses it", c.Migration.Path, c.Line, name)
		return m
	}
	sql := c.SQL
	if fn := c.droppedFunction(); fn != nil && stmt.Behavior != pgparse.DropBehavior_DROP_CASCADE &&
		len(c.Release.head.Functions(fn.Name.Schema, fn.Name.Name)) > 0 {
		sql = dropFunction(analysis.QuoteTable(fn.Name), fn) // the release makes others of the name before
	}
	m.addStep(onward.Contract, onward.StepDDL, "drop what the deployed code may use, after it is gone", sql)
	return m
}}

// reusedName returns the name of a dropped table that the release gives to a new one; "" if there is none.
func (c *Change) reusedName(stmt *pgparse.DropStmt) string {
	if stmt.RemoveType != pgparse.ObjectType_OBJECT_TABLE {
		return ""
	}
	for _, n := range stmt.Objects {
		schema, name := pgparse.SchemaAndName(n.GetList().GetItems())
		old, newTable := c.Release.Deployed.Lookup(schema, name), c.Release.head.Lookup(schema, name)
		if old != nil && newTable != nil && old.OID != newTable.OID && c.Before.Lookup(schema, name) != nil {
			return old.Name.String()
		}
	}
	return ""
}
