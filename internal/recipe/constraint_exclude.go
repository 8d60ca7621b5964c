package recipe

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// constraintExclude says of an exclusion constraint that it has no safe form.
// https://www.postgresql.org/docs/current/sql-altertable.html
var constraintExclude = &Recipe{Name: "constraint-exclude", Make: func(c *Change) *Made {
	if c.added(pgparse.ConstrType_CONSTR_EXCLUSION) == nil {
		return nil
	}
	m := asItStands(c)
	m.Steps[0].Why = "builds an index, and everybody waits for it"
	m.missing("an exclusion constraint of %s cannot be NOT VALID, and takes no index that was built before: the server builds it while nobody may read the table. The least bad way is a new table "+
		"that has it, filled beside this one and put in its place; on a small table a moment when everybody may wait", c.Altered().Name)
	return m
}}
