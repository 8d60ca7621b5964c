package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DropDefault flags a NOT NULL column that loses what filled it: its default,
// identity or generation expression.
// https://www.postgresql.org/docs/current/sql-altertable.html
var DropDefault = &rule.Rule{
	ID:       "column-drop-default",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   rule.Recommended,
	Summary:  "dropping the default of a NOT NULL column makes INSERTs that leave it out fail",
	Harm:     "Deployed code that leaves the column out of its INSERTs has lived on the default. Without it each of them fails with \"null value in column violates not-null constraint\". For a column that this release added, that is every INSERT of the deployed code.",
	Instead:  "Drop the default a release after the code that names the column in every INSERT, when no older code runs any more.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:   dropDefault,
}

func dropDefault(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		var what string
		switch d.Kind {
		case catalog.ColumnDefaultChanged:
			what = "the default"
		case catalog.ColumnIdentityChanged:
			what = "the identity"
		case catalog.ColumnGeneratedChanged:
			what = "the generation expression"
		default:
			continue
		}
		if !p.Deployed(d) || d.Before.View != nil || !d.Old.NotNull && !d.Old.Inferred || required(t.Before, d.Old) && !d.Old.Inferred || !required(t.After, d.New) {
			continue
		}
		table, name := d.Before.Name, d.New.Name
		r := rule.Report{
			Fact:    what + " of column " + name + " of " + table.String() + ", which must not be null, is dropped",
			Harm:    "INSERTs that leave " + name + " out fail: null value in column \"" + name + "\" violates not-null constraint",
			Instead: "drop it a release later, when no old code runs any more",
		}
		if p.NewColumn(d, d.New) {
			r.Harm = "the deployed code does not know the column, so that all its INSERTs on " + table.String() + " fail from here on"
			r.Severity = filled(d.After)
			p.Report(d.By, r)
			continue
		}
		u := p.UsesColumn(d, d.Old)
		r.Severity, r.Evidence = onward.Warning, u.Evidence
		switch {
		case u.Sure && u.Used, u.Known && !u.Used && !p.Omitted(d, d.Old):
			continue // a mapper names every column of its model; nobody writes the table
		case p.Omitted(d, d.Old):
			r.Severity = filled(d.After)
			r.Harm = "nothing in the deployed code names the column, so that its INSERTs on " + table.String() + " leave it out and fail from here on"
		case u.Used:
			r.Harm = "the deployed code names the column" + u.Where() + "; where an INSERT leaves it out, it fails from here on"
		}
		p.Report(d.By, r)
	}
}
