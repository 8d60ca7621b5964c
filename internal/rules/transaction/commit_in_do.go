package transaction

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// CommitInDo flags COMMIT in a DO block or a procedure that runs inside a
// transaction.
// https://www.postgresql.org/docs/current/plpgsql-transactions.html
var CommitInDo = &rule.Rule{
	ID:       "transaction-commit-in-do",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "COMMIT in a DO block or a procedure is refused inside a transaction",
	Harm: "A DO block, or a procedure that CALL runs, may commit only if it is sent alone, " +
		"outside BEGIN and outside the transaction that a migration tool opens around the file. " +
		"Else the server raises invalid transaction termination at the first COMMIT, and undoes what was done.",
	Instead: "Switch the tool's transaction off for the file, and let the block be the only statement of its message.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/plpgsql-transactions.html",
		"https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT",
	},
	Kinds:     rule.Another,
	Statement: checkCommitInDo,
}

func checkCommitInDo(p *rule.Pass, s *rule.Stmt) {
	if s.Parent < 0 || s.Origin == script.Alone || s.Node.GetTransactionStmt().GetKind() != pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
		return
	}
	parent := s.Migration.Statements[s.Parent]
	for _, x := range s.Migration.Statements[parent.Index+1 : s.Index] {
		if x.Parent == s.Parent && x.Node.GetTransactionStmt() != nil {
			return // it does not come so far
		}
	}
	kind := "a DO block"
	if s.In != "" {
		kind = "a procedure"
	}
	p.Report(s, rule.Report{
		Fact:    "COMMIT in " + kind + " that runs in " + describeTransaction(parent),
		Harm:    "the migration fails there: invalid transaction termination; what it did is undone",
		Instead: adviseRunAlone(parent),
		Stops:   !s.Conditional,
	})
}
