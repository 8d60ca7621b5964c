package view

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Drop flags DROP VIEW while deployed code may read the view.
// https://www.postgresql.org/docs/current/sql-dropview.html
var Drop = &rule.Rule{
	ID:       "view-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   rule.Recommended,
	Summary:  "DROP VIEW breaks deployed code that still reads the view",
	Harm:     "Every query of the old code on the view fails with \"relation does not exist\". When the view is made anew in another transaction, queries fail in between, and for good when the second one does not succeed.",
	Instead:  "Remove the view from the code first and drop it a release later. To change a view drop and create it in one transaction: then there is no moment without it.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-dropview.html"},
	Commit:   drop,
}

func drop(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.RelationDropped || !isView(d.Before) || !p.Deployed(d) || !dropsView(d.By, d.Before) || successor(t, d.Before) != nil {
			continue
		}
		u := p.Taken(t, d, nil)
		name := d.Before.Name.String()
		r := rule.Report{
			Fact:     d.Before.Kind.String() + " " + name + " is dropped",
			Harm:     u.Breaks("it"),
			Instead:  u.First("remove it from the code in this release, and drop it in the next one, when no old code runs any more"),
			Severity: u.Severity(),
			Evidence: u.Seen(),
		}
		if again := later(t, d.Before); again != nil {
			r.Fact += " and made again in another transaction, at " + again.Lines(d.By)
			r.Harm = "queries on " + name + " fail in between" + u.Where() + ", and for good when the second transaction does not succeed"
			r.Instead = "do both in one transaction:\nBEGIN;\n" + d.By.SQL + ";\nCREATE VIEW " + rule.Table(d.Before.Name) + " AS …;\nCOMMIT;"
			r.Severity = min(u.Severity(), onward.Warning)
		}
		p.Report(d.By, r)
	}
}
