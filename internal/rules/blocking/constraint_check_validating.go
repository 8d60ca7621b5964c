package blocking

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConstraintCheckValidating flags ADD CONSTRAINT … CHECK without NOT VALID on a table
// that is in use. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ConstraintCheckValidating = &rule.Rule{
	ID:       "constraint-check-validating",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD CHECK without NOT VALID reads the whole table while nobody else can read it",
	Harm:     "ALTER TABLE holds ACCESS EXCLUSIVE while every row is checked. Every query on the table waits, and the time grows with the table.",
	Instead: "Add the constraint NOT VALID, which is instant and applies to new rows, and validate it in a transaction of its own: " +
		"that reads the table under SHARE UPDATE EXCLUSIVE, which blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: checkCheckValidating,
}

func checkCheckValidating(p *rule.Pass, s *rule.Stmt) {
	var w sharedWork
	var way advice.Way
	for a, e := range listBlockingConstraints(p, s, pgparse.ConstrType_CONSTR_CHECK, analysis.IsScanned) {
		w.add(a.Command, e, a.name, a.validateLaterSQL(s))
		add, validate := a.validationSteps(s)
		way = advice.AddConstraint{Name: a.name, Add: add, Validate: validate}
	}
	if w.e == nil {
		return
	}
	r := newWaitReport(w.e, "adding "+w.describeConstraints("check constraint", "check constraints")+" reads all of "+w.e.Name.String(),
		"until each row was checked", "add it NOT VALID, and validate it in a later transaction:\n"+strings.Join(w.steps, "\n"))
	r.Way, r.Steps = way, w.steps
	p.Report(w.at, r)
}
