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
		if d.Kind != catalog.RelationDropped || !isView(d.Before) || !p.Deployed(d) || !dropsView(d.By, d.Before) {
			continue
		}
		if now := successor(t, d.Before); now != nil {
			empty(p, d, now)
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
			if d.Before.Kind == catalog.MaterializedView {
				// Its query would run under the lock.
				next := rule.Table(catalog.Name{Schema: d.Before.Name.Schema, Name: d.Before.Name.Name + "_new"})
				r.Instead = "make it under another name first, with its indexes, and swap the names:\nCREATE MATERIALIZED VIEW " + next + " AS …;\nBEGIN;\n" +
					d.By.SQL + ";\nALTER MATERIALIZED VIEW " + next + " RENAME TO " + rule.Ident(d.Before.Name.Name) + ";\nCOMMIT;"
			}
			r.Severity = min(u.Severity(), onward.Warning)
		}
		p.Report(d.By, r)
	}
}

// empty judges a materialized view that takes the place of one with data and has
// none itself.
func empty(p *rule.Pass, d *rule.Delta, now *catalog.Relation) {
	if now.Kind != catalog.MaterializedView || now.View == nil || now.View.Filled ||
		d.Before.Kind == catalog.MaterializedView && !d.Before.Inferred && d.Before.View != nil && !d.Before.View.Filled {
		return
	}
	u := p.UsesTable(d)
	p.Report(d.By, rule.Report{
		Fact:     d.Before.Kind.String() + " " + d.Before.Name.String() + " is made again WITH NO DATA",
		Harm:     "every query on it fails" + u.Where() + ": it has not been populated",
		Instead:  "make it under another name, with data, and swap the names",
		Severity: u.Severity(),
		Evidence: u.Evidence,
	})
}
