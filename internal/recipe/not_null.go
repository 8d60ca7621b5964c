package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnNotNull makes a column NOT NULL after validating a CHECK, so that the server reads no rows under
// the lock.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
var columnNotNull = &Recipe{Name: "column-not-null", Make: func(c *Change) *Steps {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_SetNotNull {
		return nil
	}
	t := c.AlteredRelation()
	if t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable { // with its partitions
		return nil
	}
	if col := t.Column(c.Command.Name); col != nil && col.NotNull {
		base := c.Release.Deployed.Relation(t.OID)
		if base != nil && base.Attr(col.Attnum) != nil && !base.Attr(col.Attnum).NotNull {
			return &Steps{} // an earlier change has the steps, maybe of a later phase
		}
		return keepUnchanged(c)
	}
	m, phase := &Steps{}, c.checkPhase(c.plannedName())
	if repairs := c.listRepairs(t, nil, []string{c.plannedName()}); len(repairs) > 0 {
		phase = onward.Contract // there were NULLs, and the deployed code may write more
		m.repeatRepairs(c, repairs, func(prefix string) string { return prefix + quoteIdent(c.plannedName()) + " IS NULL" })
	}
	m.addNotNullSteps(c, t, c.plannedName(), phase)
	return m
}}

// addNotNullSteps makes a column NOT NULL in a phase. A column without a default that the plan adds is so from the contract on: see [replacement.addNotNull].
func (m *Steps) addNotNullSteps(c *Change, t *catalog.Relation, column string, phase onward.PlanPhase) {
	way := m.addNotNullCheck(c, t, column, phase)
	head, base := c.Release.head.Relation(t.OID), c.Release.Deployed.Relation(t.OID)
	if head != nil && base != nil && base.Column(column) == nil {
		if col := head.Column(column); col != nil && col.Default == nil && base.Attr(col.Attnum) == nil {
			phase = onward.Contract
		}
	}
	s := m.addStep(phase, onward.StepDDL, "set "+t.Name.Name+"."+column+" NOT NULL: the CHECK proves it, so no row is read", way...)
	s.Undo = []string{"ALTER TABLE " + tableName(t) + " ALTER COLUMN " + quoteIdent(column) + " DROP NOT NULL"}
}

// addNotNullCheck adds the steps that prove that a column has no NULL. It returns the statements that make it NOT NULL then.
func (m *Steps) addNotNullCheck(c *Change, t *catalog.Relation, column string, phase onward.PlanPhase) []string {
	col, con := quoteIdent(column), c.Release.uniqueName(t.Name.Name, column, "set")
	alter := "ALTER TABLE " + tableName(t)
	way := Requirement{Table: t.Name, Columns: []string{column}, Check: con}.Statements()
	empty := "SELECT 1 FROM " + tableName(t) + " WHERE " + col + " IS NULL LIMIT 1"
	s := m.addStep(phase, onward.StepDDL, "require "+t.Name.Name+"."+column+" in new rows: no existing row is read", way[0])
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quoteIdent(con)}
	s = m.addStep(phase, onward.StepValidate, "validate that "+t.Name.Name+"."+column+" has no NULL: it reads existing rows, while others read and write", way[1])
	s.Check = empty
	return way[2:]
}

// columnDefault keeps a default until the deployed code, which omits the column, is gone.
var columnDefault = &Recipe{Name: "column-default", Make: func(c *Change) *Steps {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_ColumnDefault || c.Command.Def != nil {
		return nil
	}
	m := &Steps{}
	m.addStep(onward.Contract, onward.StepDDL, "drop the default of "+c.Command.Name+": deployed code may need it until it is gone",
		c.AlterTable()+" "+c.plannedText())
	return m
}}

// notNullNames returns the name that the server chooses for the NOT NULL constraint of the new column, and
// the name in the migrations. Both are "" if a version has no such names: they came with 18.
// https://www.postgresql.org/docs/18/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL
func (w *replacement) notNullNames() (current, want string) {
	if !w.newColumn.NotNull || slices.ContainsFunc(w.c.Release.Versions, func(v int) bool { return v < 18 }) {
		return "", ""
	}
	current = catalog.ObjectName(w.t.Name.Name, w.newName, "not_null")
	if w.t.Constraint(current) != nil { // the server chooses another one
		return "", ""
	}
	for _, con := range w.head.Constraints {
		if con.Kind == catalog.NotNullConstraint && slices.Equal(con.Columns, []int16{w.newColumn.Attnum}) {
			return current, con.Name
		}
	}
	if w.old.NotNull && !w.declaredByComment { // the constraint keeps the name from when the column was created
		return current, catalog.ObjectName(w.t.Name.Name, w.old.Name, "not_null")
	}
	return current, catalog.ObjectName(w.t.Name.Name, w.newColumn.Name, "not_null")
}
