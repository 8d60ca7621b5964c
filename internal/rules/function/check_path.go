package function

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CheckPath flags a CHECK that calls a function whose body names something without its schema: a dump with it cannot be restored.
// https://www.postgresql.org/docs/current/app-pgdump.html
var CheckPath = &rule.Rule{
	ID:       "function-check-path",
	Category: onward.DataLoss,
	Severity: onward.Warning,
	Later:    true,
	Summary:  "a CHECK calls a function that names something without its schema, so a dump cannot be restored",
	Harm: "pg_dump's scripts empty search_path. When the rows are restored, the CHECK calls the function, the name is not found, and the rows of the " +
		"table are refused. The same happens in a major upgrade by dump and restore.",
	Instead: "Give the function its own search_path (ALTER FUNCTION … SET search_path = public), or write the schema before each name of its body.",
	Manual:  []string{"https://www.postgresql.org/docs/current/app-pgdump.html", "https://www.postgresql.org/docs/current/ddl-constraints.html"},
	Commit:  checkPath,
}

func checkPath(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.By == nil {
			continue
		}
		var list []*catalog.Constraint
		switch d.Kind {
		case catalog.RelationCreated:
			list = d.After.Constraints
		case catalog.ConstraintAdded:
			list = []*catalog.Constraint{d.NewConstraint}
		case catalog.TypeCreated, catalog.DomainChanged:
			list = d.NewType.Checks
			if d.OldType != nil && len(list) <= len(d.OldType.Checks) {
				list = nil
			}
		}
		for _, c := range list {
			if c.Kind != catalog.Check || c.Expr == nil || c.Parent {
				continue
			}
			u := findAssumedPath(t.After, []*pgparse.Node{c.Expr})
			if u == nil {
				continue
			}
			p.Report(d, rule.Report{
				Fact:    "check constraint " + c.Name + " calls function " + u.fn.Signature() + ", which names " + u.name + " without its schema",
				Harm:    "a dump cannot be restored: pg_dump empties search_path, " + u.name + " is not found, and the rows are refused",
				Instead: u.adviseFix(),
			})
			break
		}
	}
}
