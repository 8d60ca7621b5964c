package constraint

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CheckValidating flags ADD CONSTRAINT … CHECK without NOT VALID on a table
// that is in use. https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var CheckValidating = &rule.Rule{
	ID:       "constraint-check-validating",
	Category: onward.Locking,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "ADD CHECK without NOT VALID reads the whole table while nobody else can read it",
	Harm:     "ALTER TABLE holds ACCESS EXCLUSIVE while every row is checked. Every query on the table waits, and the time grows with the table.",
	Instead: "Add the constraint NOT VALID, which is instant and applies to new rows, and validate it in a transaction of its own: " +
		"that reads the table under SHARE UPDATE EXCLUSIVE, which blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: checkValidating,
}

func checkValidating(p *rule.Pass, s *rule.Stmt) {
	// The table is read once, however many constraints ask for it.
	var names, steps []string
	var way advice.Way
	var e *effect.Effect
	var at rule.Commands
	for _, a := range listAdditions(p, s, pgparse.ConstrType_CONSTR_CHECK) {
		scan := p.FindBlocked(p.EffectsAlone(a.Command), analysis.IsScanned)
		if scan == nil {
			continue
		}
		e, at = scan, append(at, a.Command)
		if a.name != "" {
			names = append(names, a.name)
		}
		steps = append(steps, a.validateLaterSQL(s))
		add, validate := a.validationSteps(s)
		way = advice.AddConstraint{Name: a.name, Add: add, Validate: validate}
	}
	if e == nil {
		return
	}
	what := "check constraint"
	if len(steps) > 1 {
		what = "check constraints"
	}
	if len(names) > 0 {
		what += " " + strings.Join(names, ", ")
	}
	p.Report(at, rule.Report{
		Fact:    "adding " + what + " reads all of " + e.Name.String(),
		Harm:    analysis.DescribeWaiting(e) + " waits until each row was checked, and the time grows with the table",
		Grows:   e.Name,
		Instead: "add it NOT VALID, and validate it in a later transaction:\n" + strings.Join(steps, "\n"),
		Way:     way,
	})
}
