package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropNotNull mentions a column that may be null from now on. It warns if a field of the deployed code cannot take NULL
// and the new code may write it. https://www.postgresql.org/docs/current/sql-altertable.html
var DropNotNull = &rule.Rule{
	ID:       "column-drop-not-null",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "after DROP NOT NULL the deployed code may read NULLs that it has never met",
	Harm: "As soon as the new code writes the first NULL, deployed code that reads the column into a type without NULL (a Go string, a Rust String, " +
		"a primitive) fails on that row. This is a warning if the deployed code reads the column into a field (of Go, of Rust, " +
		"of a mapper's schema) that cannot take NULL, and the same field of the new code can. Else it is information. " +
		"The statement itself is harmless, and is the right first step before a column is dropped.",
	Instead: "Write NULLs a release later, when all running code can read them.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:  checkDropNotNull,
}

func checkDropNotNull(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.ColumnDropNotNull) {
		if p.NewColumn(d, d.Old) || isUnrelatedReplacement(p, t, d) ||
			d.IsColumnReplaced() && isNumbered(d.Old) && !isNumbered(d.New) {
			continue
		}
		u := p.UsesColumn(d, d.Old).ByReaders()
		if u.IsIdle() {
			continue
		}
		r := rule.Report{
			Severity: onward.Info,
			Fact:     "column " + d.New.Name + " of " + d.Before.Name.String() + " may now be null",
			Harm:     "deployed code that reads it into a type without NULL fails" + u.FirstPlace() + " once the new code has written one",
			Instead:  "write NULLs a release later, when all running code can read them",
			Evidence: u.Evidence,
			Cause:    "and so may %d others of " + d.Before.Name.String(),
		}
		column := d.Old
		if deployed, _ := p.DeployedColumn(d.OID, d.Old.Attnum); deployed != nil {
			column = deployed
		}
		if null := p.Code.MeetsNull(p.DeployedName(d), column.Name); len(null.FailsAtNull) > 0 && len(null.WritesNull) > 0 {
			formatFirstPlace := func(places []onward.Evidence) string {
				return analysis.Usage{Used: true, Evidence: places}.FirstPlace()
			}
			r.Severity, r.Cause = onward.Warning, ""
			r.Harm = "the deployed code cannot read NULL into its field" + formatFirstPlace(null.FailsAtNull) + ", and the field of the new code takes NULL" +
				formatFirstPlace(null.WritesNull) +
				": each read of such a row fails in the deployed code"
			r.Evidence = append(slices.Clone(null.FailsAtNull), null.WritesNull...)
		}
		p.Report(d, r)
	}
}
