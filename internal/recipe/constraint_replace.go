package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// constraintReplace replaces a foreign key or a CHECK that the release drops by a new one. It adds the
// new constraint first, and swaps the two in an instant once all rows satisfy it. If one step dropped
// the old and a later step added the new one, rows could be written in between that satisfy neither.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
var constraintReplace = &Recipe{Name: "constraint-replace", Make: func(c *Change) *Steps {
	if c.validatesReplacement() {
		return &Steps{} // the change that adds the constraint validates it
	}
	drops := c.droppedConstraint() != nil
	if !drops && c.constraintNode(pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_CHECK) == nil {
		return nil
	}
	drop := c.Release.recreations.dropOf[c]
	switch {
	case drops && c.Release.recreations.creationOf[c] != nil:
		return &Steps{} // the change that adds the new constraint has the step
	case drop == nil:
		return nil
	}
	t, old, newCon := c.AlteredRelation(), drop.droppedConstraint(), c.addedConstraint()
	conName := newCon.Name
	if c.Release.Deployed.Relation(t.OID).Constraint(conName) != nil {
		conName = c.Release.uniqueName(conName, "onward", "")
	}
	m := &Steps{}
	phase := m.constraintPhase(c, newCon)
	m.addConstraintSteps(t, conName, notValidWords.ReplaceAllString(constraintDefinition(c.Text), ""), phase)
	if head := c.Release.head.Relation(t.OID); head != nil && head.Constraint(newCon.Name) != nil && !head.Constraint(newCon.Name).Valid {
		m.Steps = m.Steps[:len(m.Steps)-1] // the release does not validate it
	}
	if drop.breaksDeployed() {
		phase = onward.Contract
	}
	alter := "ALTER TABLE " + tableName(t) + " "
	s := m.addStep(phase, onward.StepDDL, "replace constraint "+old.Name+" of "+t.Name.Name+": no row is read", alter+"DROP CONSTRAINT "+quoteIdent(old.Name))
	s.Undo = drop.undoStatements()
	if conName != newCon.Name {
		s.SQL = append(s.SQL, alter+"RENAME CONSTRAINT "+quoteIdent(conName)+" TO "+quoteIdent(newCon.Name))
		s.Undo = append([]string{alter + "RENAME CONSTRAINT " + quoteIdent(newCon.Name) + " TO " + quoteIdent(conName)}, s.Undo...)
	}
	return m
}}

// droppedConstraint returns the foreign key or CHECK of the base that a change drops; nil if it drops none.
func (c *Change) droppedConstraint() *catalog.Constraint {
	if c.commandType() != pgparse.AlterTableType_AT_DropConstraint || c.AlteredRelation().Kind != catalog.Table {
		return nil
	}
	con := c.AlteredRelation().Constraint(c.Command.Name)
	if con == nil || con.Kind != catalog.ForeignKey && con.Kind != catalog.Check || !c.Release.isDeployedConstraint(c.AlteredRelation(), con) {
		return nil
	}
	return con
}

// notValidWords finds NOT VALID at the end of a constraint's definition.
var notValidWords = lazyregexp.New(`(?i)\s+NOT\s+VALID\s*$`)

// validatesReplacement reports whether a change validates a constraint that replaces another one.
func (c *Change) validatesReplacement() bool {
	if c.commandType() != pgparse.AlterTableType_AT_ValidateConstraint {
		return false
	}
	con := c.AlteredRelation().Constraint(c.Command.Name)
	return con != nil && slices.ContainsFunc(c.Release.changes, func(other *Change) bool {
		if other.constraintNode(pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_CHECK) == nil ||
			other.AlteredRelation().OID != c.AlteredRelation().OID {
			return false
		}
		newCon := other.addedConstraint()
		return newCon != nil && newCon.ID == con.ID && c.Release.recreations.dropOf[other] != nil
	})
}

// replacesConstraint reports whether a change adds a constraint with the name of a dropped one, or a foreign key
// on the same columns.
func (c *Change) replacesConstraint(drop *Change) bool {
	con := c.constraintNode(pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_CHECK)
	if con == nil || c.AlteredRelation().OID != drop.AlteredRelation().OID {
		return false
	}
	newCon, old := c.addedConstraint(), drop.droppedConstraint()
	if con.SkipValidation && !notValidWords.MatchString(c.Text) {
		return false
	}
	return newCon != nil && newCon.Enforced && newCon.Kind == old.Kind &&
		(newCon.Name == old.Name || old.Kind == catalog.ForeignKey && slices.Equal(newCon.Columns, old.Columns))
}
