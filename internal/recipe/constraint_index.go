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
	t, newCon := c.AlteredRelation(), c.addedConstraint()
	x := c.Before.Lookup(t.Name.Schema, con.Indexname)
	if newCon == nil || x == nil || x.Index == nil || c.Release.Deployed.Relation(x.OID) == nil {
		return nil
	}
	m := &Steps{}
	phase := m.addKeyNotNull(c, t, newCon)
	alter := "ALTER TABLE " + tableName(t)
	if phase != onward.Contract {
		rebuild := m.addStep(phase, onward.StepConcurrent, "nothing to do: the undo builds index "+x.Name.Name+" of "+t.Name.Name+" again",
			"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "+quoteIdent(x.Name.Name)+" ON "+tableName(t)+" "+indexBody(t, x.Index, x))
		rebuild.Undo, rebuild.Bookkeeping = []string{rebuild.SQL[0]}, true
	}
	s := m.addStep(phase, onward.StepDDL, "make the index the constraint "+newCon.Name+": no row is read",
		alter+" ADD CONSTRAINT "+quoteIdent(newCon.Name)+" "+usingIndex(newCon, x.Name.Name))
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quoteIdent(newCon.Name)}
	return m
}}
