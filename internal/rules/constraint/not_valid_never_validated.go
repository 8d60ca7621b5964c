package constraint

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// NotValidNeverValidated notes a constraint that the release adds NOT VALID
// and does not validate.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT
var NotValidNeverValidated = &rule.Rule{
	ID:       "constraint-not-valid-never-validated",
	Category: onward.Locking,
	Severity: onward.Info,
	Summary:  "a constraint is added NOT VALID, and nothing in the release validates it",
	Harm: "The constraint applies to new rows only. The planner does not use it, a later SET NOT NULL cannot rest on it, " +
		"and old rows that break it fail when they are next updated.",
	Instead: "Validate it in a later migration, once the old rows are in order.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT"},
	Gather:  gatherNotValid,
	Release: checkNotValidNeverValidated,
}

// gatherNotValid keeps the constraints that a migration adds NOT VALID.
func gatherNotValid(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		for _, d := range t.Deltas {
			if d.Kind == catalog.ConstraintAdded && !d.NewConstraint.Valid && d.NewConstraint.Enforced && !d.NewConstraint.Parent {
				p.KeepValue(d)
			}
		}
	}
}

func checkNotValidNeverValidated(p *rule.Pass, r *rule.Release) {
	for _, d := range rule.KeptValues[rule.Delta](p) {
		now := r.Head.Relation(d.OID)
		if now == nil {
			continue
		}
		for _, con := range now.Constraints {
			if con.ID != d.NewConstraint.ID || con.Valid {
				continue
			}
			p.Report(&d, rule.Report{
				Fact:    con.Kind.String() + " " + con.Name + " of " + now.Name.String() + " is not validated in this release",
				Harm:    "rows that break it stay, and fail when they are next updated",
				Instead: "validate it in a later migration, once the old rows are in order:\n" + recipe.FormatStatements(recipe.ValidateConstraint(now.Name, con.Name)),
				Cause:   "and %d others are not",
			})
		}
	}
}
