package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnDrop first lets the new code leave a column out, and drops it when the deployed code is gone.
var columnDrop = &Recipe{Name: "column-drop", Make: func(c *Change) *Made {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_DropColumn {
		return nil
	}
	t := c.Altered()
	m := &Made{}
	alter := "ALTER TABLE " + name(t)
	col, text := t.Column(c.Command.Name), c.Text
	if is := c.course(); is != nil && is.old != nil && is.old.Name != c.Command.Name {
		col, text = is.old, "DROP COLUMN "+quote(is.old.Name) // it never gets the other name
		if c.Command.Behavior == pgparse.DropBehavior_DROP_CASCADE {
			text += " CASCADE"
		}
	}
	if col != nil && col.Required() && t.Kind != catalog.View {
		s := m.add(onward.Expand, onward.StepDDL, "the new code does not know "+col.Name+", and leaves it out", alter+" ALTER COLUMN "+quote(col.Name)+" DROP NOT NULL")
		s.Undo = []string{alter + " ALTER COLUMN " + quote(col.Name) + " SET NOT NULL"}
		if primary(t, col) {
			m.Steps = nil
			m.missing("%s is part of the primary key of %s: the new code cannot leave it out before it is dropped", col.Name, t.Name)
		}
	}
	m.add(onward.Contract, onward.StepDDL, "nobody uses it any more", alter+" "+text)
	return m
}}

func primary(t *catalog.Relation, col *catalog.Column) bool {
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
var tableDrop = &Recipe{Name: "table-drop", Make: func(c *Change) *Made {
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
	m := &Made{}
	m.add(onward.Contract, onward.StepDDL, "the deployed code may use it: it goes when that is gone", c.SQL)
	return m
}}
