package release

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnUnfilled flags new code that reads a column whose rows a written plan has not filled yet.
// https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN
var ColumnUnfilled = &rule.Rule{
	ID:            "release-column-unfilled",
	Category:      onward.Compatibility,
	Severity:      onward.Error,
	BreaksNewCode: true,
	Summary:       "the new code reads a column that a plan in onward/plans has not filled yet",
	Harm: "A plan adds the column without values, and fills the existing rows in the background. Until the backfill has run, older rows have NULL " +
		"there: queries of the new code find too few rows and read no values, and no error shows it. " +
		"If only the column's name is found in code that works on the table, it is a warning.",
	Instead: "Split the branch: deploy the plan's files first, run the backfill, and deploy the code after `onward plan next --filled`.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN"},
	Release: checkColumnUnfilled,
}

func checkColumnUnfilled(p *rule.Pass, r *rule.Release) {
	for _, h := range changesOfKind(r, history.Unfilled) {
		t, name := mappedColumn(r, h)
		if t == nil || t.Column(name) == nil {
			continue
		}
		report := rule.Report{
			Harm: fmt.Sprintf("until %s has run, older rows have NULL there: queries find too few rows, and read no values", h.Runner),
			Instead: fmt.Sprintf("split the branch: deploy the files of plan %s first, and run %s. Deploy the code after\nonward plan next --filled %s",
				h.Detail, h.Runner, h.Detail),
		}
		added := p.Code.AddedUses(t.Name, name)
		reads := added.Read
		fact := fmt.Sprintf("reads %s of %s, and %s of plan %s has not filled it", name, t.Name.String(), h.Runner, h.Detail)
		switch {
		case len(reads) > 0:
			report.Fact = "the new code " + fact
		case added.Named && len(added.Evidence) > 0:
			reads = added.Evidence
			report.Severity, report.Fact = onward.Warning, "the new code may read "+fact[len("reads "):]
			report.SafeIf = fmt.Sprintf("no new code reads %s of %s before %s has run", name, t.Name.String(), h.Runner)
		default:
			continue
		}
		report.Evidence = append(slices.Clone(reads), onward.Evidence{Kind: "plan", Path: h.Path, Line: h.Line, Text: h.Runner + " fills " + name})
		p.ReportAt("", reads[0].Path, reads[0].Line, report)
	}
}
