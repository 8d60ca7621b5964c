package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// constraintIndex makes a deployed unique index a constraint. Without the constraint the index is gone, too, so the undo of a step before it builds
// the index again.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var constraintIndex = &Recipe{Name: "constraint-index", Make: func(c *Change) *Steps {
	con := c.keyNode()
	if con.GetIndexname() == "" || c.AlteredRelation().Kind != catalog.Table {
		return nil
	}
	t, made := c.AlteredRelation(), c.addedConstraint()
	x := c.Before.Lookup(t.Name.Schema, con.Indexname)
	if made == nil || x == nil || x.Index == nil || c.Release.Deployed.Relation(x.OID) == nil {
		return nil
	}
	m := &Steps{}
	phase := m.addKeyColumns(c, t, made)
	alter := "ALTER TABLE " + tableName(t)
	if phase != onward.Contract {
		again := m.addStep(phase, onward.StepConcurrent, "nothing to do: the undo builds index "+x.Name.Name+" of "+t.Name.Name+" again",
			"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "+quoteIdent(x.Name.Name)+" ON "+tableName(t)+" "+indexBody(t, x.Index, x))
		again.Undo, again.Bookkeeping = []string{again.SQL[0]}, true
	}
	s := m.addStep(phase, onward.StepDDL, "make the index the constraint "+made.Name+": no row is read",
		alter+" ADD CONSTRAINT "+quoteIdent(made.Name)+" "+usingIndex(made, x.Name.Name))
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quoteIdent(made.Name)}
	return m
}}
