package recipe

import (
	"github.com/onward-sql/onward/onward"
)

// constraintDrop drops a primary key or a unique constraint. Its undo builds the index concurrently, and then makes it the constraint again.
// CREATE INDEX CONCURRENTLY needs a step of its own. So a second step, which finds nothing to drop, has it as its undo.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var constraintDrop = &Recipe{Name: "constraint-drop", Make: func(c *Change) *Steps {
	old, t := c.droppedKey(), c.AlteredRelation()
	if old == nil || len(t.Inherits) > 0 || t.Parent != 0 {
		return nil
	}
	before, base, old := c.findRestoredConstraint(t, old)
	x := before.Relation(old.Index)
	phase := c.checkPhase("")
	if x == nil || x.Index == nil || old.WithoutOverlaps {
		return nil
	}
	name := c.Command.Name
	if phase == onward.Contract {
		m := keepUnchanged(c)
		m.noteNarrowKey(c, t, name, x)
		return m
	}
	m := &Steps{}
	s := m.addStep(phase, onward.StepDDL, "drop constraint "+name+" of "+t.Name.Name+": new code may write what it refuses",
		"ALTER TABLE "+tableName(t)+" "+c.plannedText())
	s.Undo, s.Judged = []string{"ALTER TABLE " + tableName(t) + " ADD CONSTRAINT " + quoteIdent(name) + " " + usingIndex(old, name)}, !c.blocksOthers()
	rebuild := m.addStep(phase, onward.StepConcurrent, "nothing to do: the undo builds the index of constraint "+name+" of "+t.Name.Name,
		DropIndex(nameInSchema(t, name), true))
	rebuild.Undo = []string{"CREATE UNIQUE INDEX CONCURRENTLY " + quoteIdent(name) + " ON " + tableName(t) + " " + indexBody(base, x.Index, x)}
	rebuild.Bookkeeping = true
	return m
}}
