package constraint

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Rename flags a constraint or unique index whose name the deployed code
// knows. https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
var Rename = &rule.Rule{
	ID:       "constraint-rename",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Preset:   rule.Recommended,
	Summary:  "deployed code names a constraint or unique index that is renamed or dropped",
	Harm:     "ON CONFLICT ON CONSTRAINT fails when there is no constraint of the name. Code that tells errors apart by the name that the server reports no longer recognises them, and shows a conflict of a user as a fault of its own.",
	Instead:  "Let the code accept both names first, and rename a release later.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT", "https://www.postgresql.org/docs/current/protocol-error-fields.html"},
	Commit:   rename,
}

func rename(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		var kind, name, act string
		switch {
		case d.Before == nil || d.After == nil || !p.Deployed(d):
			continue
		case d.Kind == catalog.ConstraintRenamed:
			kind, name, act = d.OldConstraint.Kind.String(), d.OldConstraint.Name, "is renamed to "+d.NewConstraint.Name
		case d.Kind == catalog.ConstraintDropped:
			kind, name, act = d.OldConstraint.Kind.String(), d.OldConstraint.Name, "is dropped"
		case d.Kind == catalog.IndexRenamed && d.OldIndex.Index.Unique:
			kind, name, act = "unique index", d.OldIndex.Name.Name, "is renamed to "+d.NewIndex.Name.Name
		default:
			continue
		}
		if d.After.Constraint(name) != nil || !deployed(p, d, name) {
			continue
		}
		u := p.UsesName(catalog.Name{Schema: d.Before.Name.Schema, Name: name})
		if !u.Used {
			continue
		}
		p.Report(d.By, rule.Report{
			Fact:     kind + " " + name + " of " + d.Before.Name.String() + " " + act + ", and the deployed code names it",
			Harm:     "ON CONFLICT ON CONSTRAINT fails, and code that tells errors apart by the constraint's name no longer does" + u.Where(),
			Instead:  "let the code accept both first, and rename or drop a release later",
			Evidence: u.Evidence,
		})
	}
}

// deployed reports whether the deployed schema has the name on the table.
func deployed(p *rule.Pass, d *rule.Delta, name string) bool {
	r := p.Release.Deployed.Relation(d.OID)
	if r == nil {
		return true
	}
	if r.Constraint(name) != nil {
		return true
	}
	for _, oid := range r.Indexes {
		if idx := p.Release.Deployed.Relation(oid); idx != nil && idx.Name.Name == name {
			return true
		}
	}
	return false
}
