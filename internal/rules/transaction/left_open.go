package transaction

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// LeftOpen flags BEGIN without COMMIT.
// https://www.postgresql.org/docs/current/sql-begin.html
var LeftOpen = &rule.Rule{
	ID:       "transaction-left-open",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "the file ends inside a transaction that it opened",
	Harm: "Without COMMIT everything since BEGIN is rolled back when the connection closes, after the runner took the migration for done. " +
		"Until then its locks are held.",
	Instead:   "End the file with COMMIT.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-begin.html"},
	Migration: checkTransactionLeftOpen,
}

func checkTransactionLeftOpen(p *rule.Pass, m *rule.Migration) {
	if !m.Script.Open {
		return
	}
	var open *rule.Stmt
	for _, s := range m.Statements {
		switch {
		case endsTransaction(s) && s.Node.GetTransactionStmt().GetChain():
			open = s
		case endsTransaction(s):
			open = nil
		case opensTransaction(s) && open == nil:
			open = s
		}
	}
	if open == nil {
		return
	}
	p.Report(open, rule.Report{
		Fact:    "the transaction that " + statementVerb(open) + " opens is never committed",
		Harm:    "what follows is rolled back when the connection closes, or goes on in the next migration's transaction; its locks are held until then",
		Instead: "end the file with COMMIT;",
	})
}
