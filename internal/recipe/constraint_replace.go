package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// constraintReplace puts a foreign key or a CHECK in the place of one that the same release drops:
// beside it first, and when all rows fit, in its place in an instant. Between a step that drops the one
// and a step that adds the other, rows could be written that fit neither.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
var constraintReplace = &Recipe{Name: "constraint-replace", Make: func(c *Change) *Made {
	drops := c.dropped() != nil
	if !drops && c.added(pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_CHECK) == nil {
		return nil
	}
	drop := c.Release.partner(c)
	switch {
	case drop == nil:
		return nil
	case drops:
		return &Made{} // the one that replaces it has the step
	}
	t, old, made := c.Altered(), drop.dropped(), c.constraint()
	own := made.Name
	if c.Release.Deployed.Relation(t.OID).Constraint(own) != nil {
		own = c.Release.unique(own, "onward", "")
	}
	m := &Made{}
	phase := c.checkPhase(c.columnsOf(made)...)
	m.validated(t, own, definitionText(c.Text), phase)
	if drop.breaks() {
		phase = onward.Contract
	}
	alter := "ALTER TABLE " + name(t) + " "
	s := m.add(phase, onward.StepDDL, "takes the place of the one that was there, in an instant", alter+"DROP CONSTRAINT "+quote(old.Name))
	s.Undo = drop.undo()
	if own != made.Name {
		s.SQL = append(s.SQL, alter+"RENAME CONSTRAINT "+quote(own)+" TO "+quote(made.Name))
		s.Undo = append([]string{alter + "RENAME CONSTRAINT " + quote(made.Name) + " TO " + quote(own)}, s.Undo...)
	}
	return m
}}

// dropped is the foreign key or CHECK of the base that a change drops; nil where it drops none.
func (c *Change) dropped() *catalog.Constraint {
	if c.subtype() != pgparse.AlterTableType_AT_DropConstraint || c.Altered().Kind != catalog.Table {
		return nil
	}
	con := c.Altered().Constraint(c.Command.Name)
	if con == nil || con.Kind != catalog.ForeignKey && con.Kind != catalog.Check || !c.Release.has(c.Altered(), con) {
		return nil
	}
	return con
}

// partner is the change that adds what takes the place of a constraint which a change drops, or the
// one that drops it; nil where there is none.
func (r *Release) partner(c *Change) *Change {
	at := slices.Index(r.changes, c)
	if c.dropped() != nil {
		for _, later := range r.changes[at+1:] {
			if later.replaces(c) {
				return later
			}
		}
		return nil
	}
	for _, before := range r.changes[:max(at, 0)] {
		if before.dropped() != nil && r.partner(before) == c {
			return before
		}
	}
	return nil
}

// replaces reports whether a change adds what is under the name of a dropped constraint then, or is the
// foreign key of the same columns. What is NOT ENFORCED is said to be not validated, too.
func (c *Change) replaces(drop *Change) bool {
	con := c.added(pgparse.ConstrType_CONSTR_FOREIGN, pgparse.ConstrType_CONSTR_CHECK)
	if con == nil || con.SkipValidation || c.Altered().OID != drop.Altered().OID {
		return false
	}
	made, old := c.constraint(), drop.dropped()
	return made != nil && made.Kind == old.Kind && (made.Name == old.Name || old.Kind == catalog.ForeignKey && slices.Equal(made.Columns, old.Columns))
}
