package column

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SetNotNull flags a column that must not be null from now on, for the sake of
// those who write NULL. The scan is column-set-not-null-scan's.
// https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL
var SetNotNull = &rule.Rule{
	ID:       "column-set-not-null",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   rule.Recommended,
	Summary:  "SET NOT NULL refuses what the deployed code may still write",
	Harm:     "The constraint binds everybody from the moment it is there, NOT VALID or not: deployed code that writes NULL, or leaves the column out when it has no default, gets \"null value in column violates not-null constraint\". The backfill before it does not help: old code keeps running behind it.",
	Instead:  "Release code that always writes the column first. Make the column NOT NULL a release later.",
	Manual:   []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-NOT-NULL"},
	Commit:   setNotNull,
}

func setNotNull(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.ColumnSetNotNull || !p.Deployed(d) || refused(d.Before, d.Old) || key(d) || d.New.Identity != "" || d.New.Generated != "" {
			continue
		}
		table, name := d.Before.Name, d.New.Name
		needs := required(t.After, d.New)
		r := rule.Report{
			Fact:    "column " + name + " of " + table.String() + " must not be null from here on",
			Instead: "release code that always writes " + name + " first, and set NOT NULL a release later",
		}
		u := p.UsesColumn(d, d.Old)
		switch unknown := p.NewColumn(d, d.Old); {
		case unknown && !needs:
			continue // the default speaks for the deployed code
		case unknown:
			r.Harm = "the deployed code does not know the column, so that all its INSERTs on " + table.String() + " fail"
			r.Severity = filled(d.After)
		case needs && p.Omitted(d, d.Old):
			r.Harm = "nothing in the deployed code names the column, so that its INSERTs on " + table.String() + " leave it out and fail"
			r.Severity = filled(d.After)
		case u.Known && !u.Used:
			continue
		case needs:
			r.Harm = "deployed code that writes NULL or leaves the column out fails" + u.Where()
			r.Severity, r.Evidence = onward.Warning, u.Evidence
		default:
			r.Harm = "deployed code that writes NULL fails" + u.Where() + "; where it leaves the column out, the default is taken"
			r.Severity, r.Evidence = onward.Info, u.Evidence
		}
		p.Report(d.By, r)
	}
}

// refused reports whether a CHECK refused NULL already, valid or not: whoever
// added it has been told.
func refused(r *catalog.Relation, c *catalog.Column) bool {
	return slices.ContainsFunc(r.Constraints, func(k *catalog.Constraint) bool {
		return k.Kind == catalog.Check && k.Enforced && catalog.ProvesNotNull(k.Expr, c.Name)
	})
}

// key reports whether the column became NOT NULL because it is in a new
// primary key.
func key(d *rule.Delta) bool {
	return slices.ContainsFunc(d.After.Constraints, func(k *catalog.Constraint) bool {
		return k.Kind == catalog.PrimaryKey && slices.Contains(k.Columns, d.New.Attnum)
	})
}
