package removal

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewRename flags ALTER VIEW … RENAME TO while deployed code may use the old
// name. https://www.postgresql.org/docs/current/sql-alterview.html
var ViewRename = &rule.Rule{
	ID:       "view-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "renaming a view breaks deployed code that knows it by its old name",
	Harm:     "Before the rename the new code fails, after it the old: every query on the old name fails with \"relation does not exist\".",
	Instead:  "A view costs nothing: create a second one with the new name, and drop the old one a release later.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-alterview.html"},
	Commit:   checkViewRename,
}

func checkViewRename(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RelationRenamed) {
		if !d.Before.Kind.IsView() || d.Before.Name.Schema != d.After.Name.Schema || findSuccessor(t, d.Before.Name) != nil {
			continue
		}
		u := p.UsesOfTaken(t, d, nil)
		from, to := d.Before.Name, d.After.Name
		r := describeMove(d.Before.Kind.String(), from, "is renamed to "+to.Name, u)
		r.Severity = u.DropSeverity()
		r.Instead = "create a second view, and drop the old one a release later:\nCREATE VIEW " + analysis.QuoteTable(to) + " AS SELECT * FROM " +
			analysis.QuoteTable(from) + ";"
		p.Report(d, r)
	}
}
