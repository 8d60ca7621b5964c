package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitionKey gives each partition the foreign key first, not valid, and validates it. That of the
// partitioned table takes over what is equal and valid, and reads nothing: before 18 it cannot be
// NOT VALID itself.
// https://www.postgresql.org/docs/17/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
var partitionKey = &Recipe{Name: "partition-key", Make: func(c *Change) *Made {
	con := c.added(pgparse.ConstrType_CONSTR_FOREIGN)
	if con == nil || con.SkipValidation {
		return nil
	}
	t := c.Altered()
	if t.Kind != catalog.PartitionedTable || !slices.ContainsFunc(c.Release.Versions, func(v int) bool { return v < 18 }) {
		return nil
	}
	made := c.brought(t, catalog.ForeignKey, "")
	if made == nil {
		return nil
	}
	m := &Made{}
	phase := c.checkPhase(t.ColumnNames(made.Columns)...)
	definition := definitionText(c.Text)
	for _, p := range c.Before.Tree(t, true)[1:] {
		if p.Kind != catalog.Table {
			continue
		}
		own := c.brought(p, catalog.ForeignKey, "")
		if own == nil {
			own = made
		}
		m.validated(p, own.Name, definition, phase)
	}
	alter := "ALTER TABLE " + name(t)
	s := m.add(phase, onward.StepDDL, "takes over the keys of the partitions, which are valid: no row is read", alter+" ADD CONSTRAINT "+quote(made.Name)+" "+definition)
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + quote(made.Name)}
	return m
}}
