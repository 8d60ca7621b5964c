package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewSecurityInvokerMissing flags views through which the row level security of
// their tables is not the reader's.
// https://www.postgresql.org/docs/current/sql-createview.html
var ViewSecurityInvokerMissing = &rule.Rule{
	ID:       "view-security-invoker-missing",
	Category: onward.Security,
	Severity: onward.Warning,
	OnlyIn:   onward.SecuritySet,
	Since:    15,
	Summary:  "a view reads a table with row level security as the view's owner",
	Harm: "Policies are applied for whom a table is read as, which for a view is its owner. " +
		"An owner of the tables is bound by no policy unless they are FORCEd: anyone who may read the view sees all rows.",
	Instead: "Create the view WITH (security_invoker = true): it then reads with the rights of the caller.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createview.html", "https://www.postgresql.org/docs/current/ddl-rowsecurity.html"},
	Commit:  checkSecurityInvokerMissing,
}

func checkSecurityInvokerMissing(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.RelationCreated && d.Kind != catalog.ViewReplaced || d.By == nil || d.After.Kind != catalog.View || d.After.View == nil {
			continue
		}
		if v, set := d.After.Options["security_invoker"]; set && v != "false" && v != "off" && v != "0" {
			continue
		}
		for _, oid := range d.After.View.Reads {
			table := t.After.Relation(oid)
			if table == nil || !table.RLS {
				continue
			}
			p.Report(d, rule.Report{
				Fact:    "view " + d.After.Name.String() + " reads " + table.Name.String() + ", which has row level security, as the view's owner",
				Harm:    "anyone who may read the view sees the rows that the owner sees, whatever the policies say of the reader",
				Instead: "let it read with the rights of the caller:\nALTER VIEW " + analysis.QuoteTable(d.After.Name) + " SET (security_invoker = true);",
			})
			break
		}
	}
}
