package run

import (
	"errors"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// InnerSQL returns a step's SQL without its transaction, and without the lock_timeout for those who run it by hand. For
// "BEGIN; SET LOCAL lock_timeout = '1s'; SELECT 1; COMMIT;" it is "SELECT 1;\n".
func InnerSQL(s *onward.PlanStep) (string, error) {
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return "", NewInputError(s.ID + ": " + err.Error())
	}
	var b strings.Builder
	for i, stmt := range f.Stmts {
		switch n := stmt.Node.GetNode().(type) {
		case *pgparse.Node_TransactionStmt:
			if i == 0 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_BEGIN ||
				i == len(f.Stmts)-1 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
				continue
			}
			return "", NewInputError(s.ID + ": a transaction ends in the midst of it")
		case *pgparse.Node_VariableSetStmt:
			if n.VariableSetStmt.Name == "lock_timeout" {
				continue
			}
		case nil:
			return "", errors.Join(NewInputError(s.ID+" cannot be read"), stmt.Err)
		}
		b.WriteString(f.Src[stmt.Start:stmt.End] + ";\n")
	}
	return b.String(), nil
}
