package view

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Rename flags ALTER VIEW … RENAME TO while deployed code may use the old
// name. https://www.postgresql.org/docs/current/sql-alterview.html
var Rename = &rule.Rule{
	ID:       "view-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "renaming a view breaks deployed code that knows it by its old name",
	Harm:     "Before the rename the new code fails, after it the old: every query on the old name fails with \"relation does not exist\".",
	Instead:  "A view costs nothing: create a second one with the new name, and drop the old one a release later.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-alterview.html"},
	Commit:   checkViewRename,
}

func checkViewRename(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.RelationRenamed || !isView(d.Before) || d.Before.Name.Schema != d.After.Name.Schema || !p.IsDeployed(d) ||
			findSuccessor(t, d.Before) != nil {
			continue
		}
		u := p.UsesOfTaken(t, d, nil)
		from, to := d.Before.Name, d.After.Name
		p.Report(d, rule.Report{
			Fact:   d.Before.Kind.String() + " " + from.String() + " is renamed to " + to.Name,
			Harm:   u.DescribeBreak("\"" + from.String() + "\""),
			Unused: from.String(),
			Instead: "create a second view, and drop the old one a release later:\nCREATE VIEW " + analysis.QuoteTable(to) + " AS SELECT * FROM " +
				analysis.QuoteTable(from) + ";",
			Severity: u.DropSeverity(),
			Evidence: u.AllEvidence(),
		})
	}
}
