package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeIncompatible flags a type that deployed code does not expect: what it
// reads means something else, or what it writes is refused. How long the
// change takes is column-type-rewrite's.
// https://www.postgresql.org/docs/current/sql-altertable.html
var TypeIncompatible = &rule.Rule{
	ID:       "column-type-incompatible",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   rule.Recommended,
	Summary:  "another column type breaks deployed code that reads, writes or compares the old one",
	Harm:     "Deployed code binds parameters and decodes results by the type that it was written for. Against another type comparisons fail with \"operator does not exist\", parameters are refused, longer or larger values no longer fit, and a change between timestamp and timestamptz moves times by the session's time zone.",
	Instead:  "Add a column of the new type, write both, copy the old values in batches, read the new one, and drop the old one a release later.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-altertable.html", "https://www.postgresql.org/docs/current/typeconv.html"},
	Commit:   typeIncompatible,
}

func typeIncompatible(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		old, now := d.Old, d.New
		switch {
		case d.Kind == catalog.ColumnTypeChanged:
		case d.Kind == catalog.ColumnDropped && d.After != nil && d.After.Column(old.Name) != nil && filledFrom(t, d):
			now = d.After.Column(old.Name) // filled from the old one, and renamed
		default:
			continue
		}
		if !p.Deployed(d) || d.Before.View != nil || p.NewColumn(d, old) {
			continue
		}
		severity, harm := mismatch(t.After, base(t.Before, old.Type), base(t.After, now.Type))
		if severity == onward.Off {
			continue
		}
		u := p.UsesColumn(d, old)
		switch {
		case u.Known && !u.Used && u.Sure:
			continue
		case u.Known && !u.Used:
			severity = onward.Info
		case severity == onward.Error && rewritten(p, d):
			severity = onward.Warning // column-type-rewrite has the error
		}
		p.Report(d.By, rule.Report{
			Fact:     "column " + old.Name + " of " + d.Before.Name.String() + " becomes " + now.Type.String() + " (was " + old.Type.String() + ")",
			Harm:     harm + u.Where(),
			Instead:  "add a column of the new type, keep both in step, and drop " + old.Name + " a release later:\nALTER TABLE " + rule.Table(d.Before.Name) + " ADD COLUMN " + rule.Ident(old.Name+"_new") + " " + now.Type.String() + ";",
			Severity: severity,
			Evidence: u.Evidence,
		})
	}
}

func rewritten(p *rule.Pass, d *rule.Delta) bool {
	return p.Blocked(&d.By.Result, func(e *effect.Effect) bool { return e.Rewrites }) != nil
}

// base is the type behind a domain.
func base(c *catalog.Catalog, t catalog.Type) catalog.Type {
	for range 8 {
		u := c.Type(t.OID)
		if u == nil || u.Kind != catalog.Domain || t.Array > 0 {
			break
		}
		t = u.Base
	}
	return t
}
