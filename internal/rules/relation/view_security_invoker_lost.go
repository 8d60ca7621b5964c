package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewSecurityInvokerLost flags a view that comes back without security_invoker.
// https://www.postgresql.org/docs/current/sql-createview.html
var ViewSecurityInvokerLost = &rule.Rule{
	ID:       "view-security-invoker-lost",
	Category: onward.Security,
	Severity: onward.Warning,
	Since:    15,
	Summary:  "a view comes back without security_invoker, and shows what row level security hid",
	Harm: "CREATE OR REPLACE VIEW resets the options that it does not name, as does DROP and CREATE. " +
		"The view then reads its tables as its owner, whom their policies do not bind unless they are FORCEd: anyone who may read the view sees all rows.",
	Instead: "Write WITH (security_invoker = true) again.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createview.html", "https://www.postgresql.org/docs/current/ddl-rowsecurity.html"},
	Commit:  checkSecurityInvokerLost,
}

func checkSecurityInvokerLost(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.After == nil || d.After.Kind != catalog.View || d.By == nil || d.By.Node.GetViewStmt() == nil || isSecurityInvoker(d.After) {
			continue
		}
		if d.Kind != catalog.RelationCreated && d.Kind != catalog.ViewReplaced && d.Kind != catalog.RelationChanged {
			continue
		}
		old := p.Release.Deployed.Lookup(d.After.Name.Schema, d.After.Name.Name)
		if old == nil || old.Kind != catalog.View || !isSecurityInvoker(old) || d.Before != nil && !isSecurityInvoker(d.Before) {
			continue
		}
		p.Report(d, rule.Report{
			Fact:    "view " + d.After.Name.String() + " comes back without security_invoker",
			Harm:    "it reads its tables as its owner from now on: anyone who may read the view sees rows that row level security hid",
			Instead: "write it again, in the statement or after it:\nALTER VIEW " + analysis.QuoteTable(d.After.Name) + " SET (security_invoker = true);",
		})
		return
	}
}

// isSecurityInvoker reports whether a view reads with the rights of the caller.
func isSecurityInvoker(v *catalog.Relation) bool {
	value, set := v.Options["security_invoker"]
	return set && value != "false" && value != "off" && value != "0"
}
