package constraint

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// RefusesUpdate flags an UPDATE that sets what a CHECK of the table refuses. The
// rows of an INSERT are release-statement-fails': those it surely comes to.
// https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS
var RefusesUpdate = &rule.Rule{
	ID:       "constraint-refuses-update",
	Category: onward.ReleaseOrder,
	Severity: onward.Warning,
	Summary:  "an UPDATE sets a constant that a CHECK of the table refuses",
	Harm: "The UPDATE fails at the first row that it comes to, and the migration stops: " +
		"on a database with such rows, which is the one in production, and not on the empty one that it was tried on.",
	Instead:   "Set a value that the constraint takes, or let the constraint take the value first.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-CHECK-CONSTRAINTS"},
	Kinds:     rule.Data,
	Statement: checkRefusesUpdate,
}

func checkRefusesUpdate(p *rule.Pass, s *rule.Stmt) {
	u := s.Node.GetUpdateStmt()
	if u == nil || s.IsOptional() {
		return
	}
	r, known := s.Before.Resolve(u.GetRelation())
	if !known || r.Kind != catalog.Table || len(r.Rules) > 0 || hasBeforeTrigger(r, "update") {
		return
	}
	set := map[string]*pgparse.Node{}
	for _, n := range u.GetTargetList() {
		if t := n.GetResTarget(); len(t.GetIndirection()) == 0 && pgparse.StripCasts(t.GetVal()).GetAConst() != nil {
			set[t.GetName()] = t.GetVal()
		}
	}
	if len(set) == 0 {
		return
	}
	assignedValue := func(c *catalog.Column) (*pgparse.Node, bool) { n, ok := set[c.Name]; return n, ok }
	for _, c := range r.Constraints {
		if c.Kind != catalog.Check || !c.Enforced || !s.Before.IsCheckRefuted(r, c.Expr, assignedValue) {
			continue
		}
		p.Report(s, rule.Report{
			Fact:    "UPDATE sets what check constraint " + c.Name + " of " + r.Name.String() + " refuses",
			Harm:    "it fails at the first row that it comes to, and the migration stops: new row violates check constraint \"" + c.Name + "\"",
			Instead: "set a value that " + c.Name + " takes, or change the constraint before it",
		})
		return
	}
}
