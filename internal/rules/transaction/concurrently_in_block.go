package transaction

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConcurrentlyInBlock flags CONCURRENTLY in a transaction, no matter who opened it.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var ConcurrentlyInBlock = &rule.Rule{
	ID:       "transaction-concurrently-in-block",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "CONCURRENTLY is refused inside a transaction, no matter who opened it",
	Harm: "CREATE INDEX, DROP INDEX, REINDEX and DETACH PARTITION CONCURRENTLY commit several times, so the server refuses them in a transaction block. " +
		"A migration tool opens one around the file unless the file forbids it, and several statements in one message are one, too.",
	Instead: "Give the statement a file of its own and switch the tool's transaction off for it.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
		"https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT",
	},
	Statement: checkConcurrentlyInBlock,
}

func checkConcurrentlyInBlock(p *rule.Pass, s *rule.Stmt) {
	if isConcurrent(s.Result.NoTransaction) {
		reportRefusedCommand(p, s)
	}
}

// reportRefusedCommand reports a command that the server refuses in the transaction it runs
// in.
func reportRefusedCommand(p *rule.Pass, s *rule.Stmt) {
	if !s.InBlock() {
		return
	}
	p.Report(s, rule.Report{
		Fact:    s.Result.NoTransaction + " runs in " + describeTransaction(s),
		Harm:    "the migration fails: " + s.Result.NoTransaction + " cannot run inside a transaction block",
		Instead: adviseRunAlone(s) + "\n" + s.SQL + ";",
		Cause:   "and %d others run in one, too",
	})
}
