package transaction

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// BlockRequired flags LOCK TABLE, SAVEPOINT and DECLARE CURSOR outside a transaction.
// https://www.postgresql.org/docs/current/sql-lock.html
var BlockRequired = &rule.Rule{
	ID:       "transaction-block-required",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "LOCK TABLE, SAVEPOINT and DECLARE CURSOR are refused outside a transaction",
	Harm: "Their effect ends with the transaction, so the server refuses them if none is open: in a file that the tool sends statement by statement. " +
		"SAVEPOINT also needs a BEGIN if several statements are sent as one message. The migration fails there.",
	Instead: "Put BEGIN before it and COMMIT after the statements that need it.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-lock.html",
		"https://www.postgresql.org/docs/current/sql-savepoint.html",
		"https://www.postgresql.org/docs/current/sql-declare.html",
	},
	Kinds:     rule.Another,
	Statement: checkBlockRequired,
}

func checkBlockRequired(p *rule.Pass, s *rule.Stmt) {
	if s.Parent >= 0 || s.Result.Refused != nil {
		return
	}
	word, savepoint := findBlockCommand(s.Node)
	if word == "" || s.Origin != script.Alone && !(savepoint && s.Origin == script.Message) {
		return
	}
	place := "outside a transaction"
	if s.Origin == script.Message {
		place = "in a simple-query message of several statements without BEGIN"
	}
	severity, harm := onward.Off, "the migration fails: "
	if s.Migration.Runner.Guessed {
		severity, harm = onward.Warning, "unless the tool opens a transaction around the file, the migration fails: "
	}
	p.Report(s, rule.Report{
		Severity: severity,
		Fact:     word + " stands " + place,
		Harm:     harm + word + " can only be used in transaction blocks",
		Instead:  "open a transaction around it and what it is for:\nBEGIN;\n" + s.SQL + ";\n…\nCOMMIT;",
	})
}

// findBlockCommand returns the server's name of a command that it refuses outside a
// transaction block, and whether it is one about savepoints.
func findBlockCommand(n *pgparse.Node) (word string, savepoint bool) {
	const withHold = 0x0020 // CURSOR_OPT_HOLD
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.LockStmt:
		return "LOCK TABLE", false
	case *pgparse.DeclareCursorStmt:
		if x.GetOptions()&withHold == 0 {
			return "DECLARE CURSOR", false
		}
	case *pgparse.TransactionStmt:
		switch x.GetKind() {
		case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
			return "SAVEPOINT", true
		case pgparse.TransactionStmtKind_TRANS_STMT_RELEASE:
			return "RELEASE SAVEPOINT", true
		case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
			return "ROLLBACK TO SAVEPOINT", true
		}
	}
	return "", false
}
