package recipe

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// constraintExclude reports that an exclusion constraint has no safe form.
// https://www.postgresql.org/docs/current/sql-altertable.html
var constraintExclude = &Recipe{Name: "constraint-exclude", Make: func(c *Change) *Steps {
	if c.constraintNode(pgparse.ConstrType_CONSTR_EXCLUSION) == nil {
		return nil
	}
	m := keepUnchanged(c)
	m.Steps[0].Why = "builds an index, and everybody waits for it"
	m.addMissing("an exclusion constraint of %s cannot be NOT VALID, and takes no index that was built before: "+
		"the server builds it while nobody may read the table. The least bad way is a new table "+
		"that has it, filled beside this one and put in its place; on a small table a moment when everybody may wait", c.AlteredRelation().Name)
	return m
}}
