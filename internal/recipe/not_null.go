package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnNotNull makes a column NOT NULL by a CHECK that is validated before: the server then
// reads nothing under the lock.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
var columnNotNull = &Recipe{Name: "column-not-null", Make: func(c *Change) *Made {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_SetNotNull {
		return nil
	}
	t := c.Altered()
	if t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable { // with its partitions
		return nil
	}
	if col := t.Column(c.Command.Name); col != nil && col.NotNull {
		return asItStands(c)
	}
	m := &Made{}
	m.notNull(c, t, c.named(), c.checkPhase(c.named()))
	return m
}}

// notNull makes a column NOT NULL in a phase.
func (m *Made) notNull(c *Change, t *catalog.Relation, column string, phase onward.PlanPhase) {
	col, con := quote(column), c.Release.unique(t.Name.Name, column, "set")
	alter := "ALTER TABLE " + name(t)
	empty := "SELECT 1 FROM " + name(t) + " WHERE " + col + " IS NULL LIMIT 1"
	s := m.add(phase, onward.StepDDL, "new rows must have "+column+"; the old ones are not looked at", alter+" ADD CONSTRAINT "+quote(con)+" CHECK ("+col+" IS NOT NULL) NOT VALID")
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quote(con)}
	s = m.add(phase, onward.StepValidate, "reads the rows that were there, while others read and write", alter+" VALIDATE CONSTRAINT "+quote(con))
	s.Check = empty
	s = m.add(phase, onward.StepDDL, "the CHECK proves it, so nothing is read", alter+" ALTER COLUMN "+col+" SET NOT NULL", alter+" DROP CONSTRAINT "+quote(con))
	s.Undo = []string{alter + " ALTER COLUMN " + col + " DROP NOT NULL"}
}

// columnDefault keeps a default until the deployed code is gone, which leaves the column out.
var columnDefault = &Recipe{Name: "column-default", Make: func(c *Change) *Made {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_ColumnDefault || c.Command.Def != nil {
		return nil
	}
	m := &Made{}
	m.add(onward.Contract, onward.StepDDL, "the deployed code may leave "+c.Command.Name+" out, and counts on its default", c.AlterTable()+" "+c.written())
	return m
}}

// notNullNames gives the name that the server chooses for NOT NULL of the new column, and the name that the
// migrations make. Both are "" where no version has such names: they came with 18.
// https://www.postgresql.org/docs/18/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL
func (w *twin) notNullNames() (own, want string) {
	if !w.now.NotNull || slices.ContainsFunc(w.c.Release.Versions, func(v int) bool { return v < 18 }) {
		return "", ""
	}
	own = catalog.ObjectName(w.t.Name.Name, w.fresh, "not_null")
	if w.t.Constraint(own) != nil { // the server takes another one
		return "", ""
	}
	for _, con := range w.head.Constraints {
		if con.Kind == catalog.NotNullConstraint && slices.Equal(con.Columns, []int16{w.now.Attnum}) {
			return own, con.Name
		}
	}
	if w.old.NotNull && !w.said { // a name stays what it was when the column was made
		return own, catalog.ObjectName(w.t.Name.Name, w.old.Name, "not_null")
	}
	return own, catalog.ObjectName(w.t.Name.Name, w.now.Name, "not_null")
}
