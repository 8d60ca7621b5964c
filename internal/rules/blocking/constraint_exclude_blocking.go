package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConstraintExcludeBlocking flags ADD EXCLUDE: its index can neither be built
// concurrently nor taken over.
// https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-EXCLUDE
var ConstraintExcludeBlocking = &rule.Rule{
	ID:       "constraint-exclude-blocking",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD EXCLUDE builds its index while nobody can read the table, and there is no concurrent way",
	Harm: "ALTER TABLE holds ACCESS EXCLUSIVE for the whole build of the index. Every query on the table waits, and the time grows with the table. " +
		"USING INDEX and NOT VALID do not exist for exclusion constraints.",
	Instead: "Create a new table with the constraint, keep both in step with a trigger, copy the old rows in batches and swap the names; " +
		"or take a window without traffic.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-EXCLUDE"},
	Kinds:     rule.AlterTable,
	Statement: checkExcludeBlocking,
}

func checkExcludeBlocking(p *rule.Pass, s *rule.Stmt) {
	for a, e := range listBlockingConstraints(p, s, pgparse.ConstrType_CONSTR_EXCLUSION, analysis.BuildsIndex) {
		p.Report(a, newWaitReport(e, "adding "+a.describeConstraint("exclusion constraint")+" builds an index on "+e.Name.String(),
			"until the index is built",
			"create a new table with the constraint, copy the rows in batches while a trigger keeps both in step, and swap their names; "+
				"or run it in a window without traffic"))
	}
}
