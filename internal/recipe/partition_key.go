package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitionKey adds the foreign key to each partition as NOT VALID, and validates it. The foreign
// key of the partitioned table then takes over equal valid ones without reading rows. Before 18 it
// cannot be NOT VALID itself.
// https://www.postgresql.org/docs/17/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
var partitionKey = &Recipe{Name: "partition-key", Make: func(c *Change) *Steps {
	con := c.constraintNode(pgparse.ConstrType_CONSTR_FOREIGN)
	if con == nil || con.SkipValidation {
		return nil
	}
	t := c.AlteredRelation()
	if t.Kind != catalog.PartitionedTable || !slices.ContainsFunc(c.Release.Versions, func(v int) bool { return v < 18 }) {
		return nil
	}
	newCon := c.findNewConstraint(t, catalog.ForeignKey, "")
	if newCon == nil {
		return nil
	}
	m := &Steps{}
	phase := c.checkPhase(t.ColumnNames(newCon.Columns)...)
	definition := constraintDefinition(c.Text)
	for _, p := range c.Before.ListTree(t, true)[1:] {
		if p.Kind != catalog.Table {
			continue
		}
		partCon := c.findNewConstraint(p, catalog.ForeignKey, "")
		if partCon == nil {
			partCon = newCon
		}
		m.addConstraintSteps(p, partCon.Name, definition, phase)
	}
	alter := "ALTER TABLE " + tableName(t)
	s := m.addStep(phase, onward.StepDDL, "add constraint "+newCon.Name+" to "+t.Name.Name+": it adopts the valid keys of the partitions, and no row is read",
		alter+" ADD CONSTRAINT "+quoteIdent(newCon.Name)+" "+definition)
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quoteIdent(newCon.Name)}
	return m
}}
