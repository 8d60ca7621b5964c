package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableRlsMissing flags a new table that the release leaves without row level
// security. https://www.postgresql.org/docs/current/ddl-rowsecurity.html
var TableRlsMissing = &rule.Rule{
	ID:       "table-rls-missing",
	Category: onward.Security,
	Severity: onward.Warning,
	OnlyIn:   onward.SecuritySet,
	Summary:  "a new table has no row level security",
	Harm: "Where roles of end users reach the database (through an API, or one role per tenant), " +
		"a table without row level security shows all its rows to whoever holds a privilege on it, and default privileges give it away quietly.",
	Instead: "Enable row level security in the migration that creates the table, and create its policies there too.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-rowsecurity.html"},
	Gather:  gatherTables,
	Release: checkRLSMissing,
}

func checkRLSMissing(p *rule.Pass, r *rule.Release) {
	for _, newTable := range rule.KeptValues[rule.MadeObject](p) {
		t := r.Head.Relation(newTable.Table)
		if t == nil || t.RLS {
			continue
		}
		p.Report(newTable.By, rule.Report{
			Fact: "table " + t.Name.String() + " has no row level security",
			Harm: "every role with a privilege on it sees and changes all of its rows",
			Instead: "enable it, and say who sees what:\nALTER TABLE " + analysis.QuoteTable(t.Name) + " ENABLE ROW LEVEL SECURITY;\nCREATE POLICY … ON " +
				analysis.QuoteTable(t.Name) + " USING (…);",
		})
	}
}
