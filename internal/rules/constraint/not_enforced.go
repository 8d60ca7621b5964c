package constraint

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// NotEnforced flags constraints that the server does not check.
// https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-PARMS-ENFORCED
var NotEnforced = &rule.Rule{
	ID:       "constraint-not-enforced",
	Category: onward.Design,
	Severity: onward.Warning,
	OnlyIn:   onward.Strict,
	Since:    18,
	Summary:  "a NOT ENFORCED constraint is checked for no row, old or new",
	Harm: "NOT ENFORCED is no step towards a valid constraint, as NOT VALID is: new rows go unchecked too. " +
		"The only way to enforce a CHECK later is to drop it and to add it anew, and code that trusts the constraint meets rows that violate it.",
	Instead: "Add it NOT VALID, which checks every new row, and validate it in a transaction of its own.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-PARMS-ENFORCED"},
	Commit:  checkNotEnforced,
}

func checkNotEnforced(p *rule.Pass, t *rule.Tx) {
	report := func(d *rule.Delta, c *catalog.Constraint, verb string) {
		if c == nil || c.Enforced || c.Parent || d.By == nil || d.After.Persistence == catalog.Temporary {
			return
		}
		p.Report(d, rule.Report{
			Fact:    c.Kind.String() + " " + c.Name + " of " + d.After.Name.String() + verb + " NOT ENFORCED",
			Harm:    "no row is checked, old or new",
			Instead: "use NOT VALID, which checks new rows, and validate it afterwards:\n" + recipe.FormatStatements(recipe.ValidateConstraint(d.After.Name, c.Name)),
		})
	}
	for i := range t.Deltas {
		switch d := &t.Deltas[i]; d.Kind {
		case catalog.ConstraintAdded:
			report(d, d.NewConstraint, " is added")
		case catalog.ConstraintChanged:
			if d.OldConstraint.Enforced {
				report(d, d.NewConstraint, " becomes")
			}
		case catalog.RelationCreated:
			for _, c := range d.After.Constraints {
				report(d, c, " is created")
			}
		}
	}
}
