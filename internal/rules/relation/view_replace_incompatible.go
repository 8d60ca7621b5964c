package relation

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewReplaceIncompatible flags a view that comes back with fewer columns, or
// columns of another type.
// https://www.postgresql.org/docs/current/sql-createview.html
var ViewReplaceIncompatible = &rule.Rule{
	ID:       "view-replace-incompatible",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a view comes back without a column that the deployed code may read, or with another type",
	Harm: "CREATE OR REPLACE VIEW refuses to take columns away; DROP VIEW and CREATE VIEW do not. " +
		"Queries of the old code that name such a column fail with \"column does not exist\".",
	Instead: "Keep the column in the view for one more release, or give the new view a name of its own.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createview.html"},
	Commit:  checkReplaceIncompatible,
}

func checkReplaceIncompatible(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RelationDropped) {
		if !d.Before.Kind.IsView() || d.Before.Partial || d.Before.Inferred {
			continue
		}
		now := t.After.Lookup(d.Before.Name.Schema, d.Before.Name.Name)
		if now == nil || now.Partial || now.Inferred {
			continue
		}
		stmt := d.By
		if c := t.FindChange(catalog.RelationCreated, func(o *rule.Delta) bool { return o.OID == now.OID }); c != nil {
			stmt = c.By
		}
		var missingColumns, other []string
		severity, worst := onward.Info, analysis.Usage{}
		for _, c := range d.Before.Columns {
			col := now.Column(c.Name)
			if col != nil {
				if areTypesIncompatible(t.Before.WireType(c.Type), t.After.WireType(col.Type)) {
					other = append(other, c.Name+" becomes "+col.Type.String()+" (was "+c.Type.String()+")")
				}
				continue
			}
			missingColumns = append(missingColumns, c.Name)
			if u := p.UsesColumn(d, c); u.DropSeverity() > severity || worst.Evidence == nil && u.Used {
				severity, worst = u.DropSeverity(), u
			}
		}
		name := d.Before.Name.String()
		switch {
		case len(missingColumns) > 0:
			p.Report(stmt, rule.Report{
				Fact:     d.Before.Kind.String() + " " + name + " comes back without " + strings.Join(missingColumns, ", "),
				Harm:     worst.DescribeBreak("what is gone"),
				Instead:  "keep it in the view for one more release, or give the new view a name of its own",
				Severity: severity,
				Evidence: worst.Evidence,
			})
		case len(other) > 0:
			p.Report(stmt, rule.Report{
				Fact:     d.Before.Kind.String() + " " + name + " comes back with other types: " + strings.Join(other, ", "),
				Harm:     "deployed code that reads or compares by the old type may fail",
				Instead:  "cast to the old type in the view for one more release",
				Severity: onward.Warning,
			})
		}
	}
}

// areTypesIncompatible reports whether code has to treat values of the types differently. Lengths
// do not count, and text, varchar and char are one type here.
func areTypesIncompatible(a, b catalog.Type) bool {
	if !a.IsKnown() || !b.IsKnown() || (a.Array > 0) == (b.Array > 0) && a.Name == b.Name {
		return false
	}
	text := func(t catalog.Type) bool {
		return t.Name.Schema == "pg_catalog" && (t.Name.Name == "text" || t.Name.Name == "varchar" || t.Name.Name == "bpchar")
	}
	return !text(a) || !text(b) || (a.Array > 0) != (b.Array > 0)
}
