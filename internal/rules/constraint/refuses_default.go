package constraint

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// RefusesDefault flags a default that a CHECK of the table refuses.
// https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS
var RefusesDefault = &rule.Rule{
	ID:       "constraint-refuses-default",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "the default of a column is a constant that a CHECK of the table refuses",
	Harm: "The server does not look at the constraints when a default is set, nor at the default when a constraint is added: the migration succeeds. " +
		"Then each INSERT that leaves the column out fails with \"new row violates check constraint\", also in the deployed code.",
	Instead: "Give the column a default that the constraint takes, or let the constraint take the value first, in the same transaction.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS",
		"https://www.postgresql.org/docs/current/ddl-default.html",
	},
	Commit: checkRefusesDefault,
}

func checkRefusesDefault(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.After == nil || d.By == nil || !d.After.Kind.IsTable() || d.After.Persistence == catalog.Temporary || hasBeforeTrigger(d.After, "insert") {
			continue
		}
		switch d.Kind {
		case catalog.RelationCreated:
			for _, col := range d.After.Columns {
				judgeDefault(p, t, d, col, d.After.Constraints)
			}
		case catalog.ColumnAdded, catalog.ColumnDefaultChanged:
			judgeDefault(p, t, d, d.New, d.After.Constraints)
		case catalog.ConstraintAdded, catalog.ConstraintChanged:
			for _, col := range d.After.Columns {
				oldColumn := (*catalog.Column)(nil)
				if d.Before != nil {
					oldColumn = d.Before.Attr(col.Attnum)
				}
				if oldColumn != nil && oldColumn.DefaultText == col.DefaultText { // else its own delta says so
					judgeDefault(p, t, d, col, []*catalog.Constraint{d.NewConstraint})
				}
			}
		}
	}
}

// hasBeforeTrigger reports whether a trigger may change a row before it is checked.
func hasBeforeTrigger(r *catalog.Relation, event string) bool {
	return slices.ContainsFunc(r.Triggers, func(g *catalog.Trigger) bool { return g.RunsBefore(event) })
}

// judgeDefault judges the default of a column by itself: what an INSERT
// writes to the others is not known.
func judgeDefault(p *rule.Pass, t *rule.Tx, d *rule.Delta, col *catalog.Column, list []*catalog.Constraint) {
	if col.Default == nil || isPlaceholder(col.Default) {
		return
	}
	for _, c := range list {
		if c.Kind != catalog.Check || !c.Enforced || c.Parent || len(c.Columns) > 0 && !slices.Contains(c.Columns, col.Attnum) ||
			!t.After.IsCheckRefuted(d.After, c.Expr, rowWithColumn(col, col.Default)) {
			continue
		}
		r := rule.Report{
			Fact:    "the default of column " + col.Name + " of " + d.After.Name.String() + ", " + col.DefaultText + ", is refused by check constraint " + c.Name,
			Harm:    "every INSERT that leaves " + col.Name + " out fails: new row violates check constraint \"" + c.Name + "\"",
			Instead: "set a default that " + c.Name + " takes, or change the constraint in the same transaction",
		}
		if p.IsNew(d.OID) {
			r.Severity = onward.Warning // nobody relies on it yet
		}
		p.Report(d, r)
		return
	}
}

// isPlaceholder reports whether a default may be there to be refused, so that an
// INSERT has to give a value: an empty text, or 0.
func isPlaceholder(n *pgparse.Node) bool {
	c := pgparse.StripCasts(n).GetAConst()
	return c == nil || c.GetSval() != nil && strings.TrimSpace(c.GetSval().GetSval()) == "" || c.GetIval() != nil && c.GetIval().GetIval() <= 0
}

// rowWithColumn is a row of which one column is known.
func rowWithColumn(col *catalog.Column, n *pgparse.Node) func(*catalog.Column) (*pgparse.Node, bool) {
	return func(c *catalog.Column) (*pgparse.Node, bool) { return n, c.Attnum == col.Attnum }
}
