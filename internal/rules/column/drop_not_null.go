package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropNotNull mentions a column that may be null from now on, for the sake of
// those who read it. https://www.postgresql.org/docs/current/sql-altertable.html
var DropNotNull = &rule.Rule{
	ID:       "column-drop-not-null",
	Category: onward.Compatibility,
	Severity: onward.Info,
	Preset:   onward.Recommended,
	Summary:  "after DROP NOT NULL the deployed code may read NULLs that it has never met",
	Harm:     "As soon as the new code writes the first NULL, deployed code that reads the column into a type without NULL (a Go string, a Rust String, a primitive) fails on that row. The statement itself is harmless, and is the right first step before a column is dropped.",
	Instead:  "Write NULLs a release later, when all running code can read them.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:   dropNotNull,
}

func dropNotNull(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.ColumnDropNotNull || !p.Deployed(d) || p.NewColumn(d, d.Old) || another(t, d) || d.Replaced() && numbered(d.Old) && !numbered(d.New) {
			continue
		}
		u := p.UsesColumn(d, d.Old).ByReaders()
		if u.Idle() {
			continue
		}
		p.Report(d, rule.Report{
			Fact:     "column " + d.New.Name + " of " + d.Before.Name.String() + " may now be null",
			Harm:     "deployed code that reads it into a type without NULL fails" + u.Where() + " once the new code has written one",
			Instead:  "write NULLs a release later, when all running code can read them",
			Evidence: u.Evidence,
			Cause:    "and so may %d others of " + d.Before.Name.String(),
		})
	}
}
