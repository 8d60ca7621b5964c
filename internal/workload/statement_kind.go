package workload

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// kindOf returns the kind of a statement.
func kindOf(node *pgparse.Node) Kind {
	switch n := pgparse.Unwrap(node).(type) {
	case *pgparse.SelectStmt:
		if isSelectInto(n) {
			return DDL
		}
		return Select
	case *pgparse.InsertStmt:
		return Insert
	case *pgparse.UpdateStmt:
		return Update
	case *pgparse.DeleteStmt:
		return Delete
	case *pgparse.MergeStmt:
		return Merge
	case *pgparse.CopyStmt:
		return Copy
	case *pgparse.CallStmt:
		return Call
	case *pgparse.DeclareCursorStmt:
		return kindOf(n.Query)
	case *pgparse.PrepareStmt:
		return kindOf(n.Query)
	case *pgparse.TransactionStmt, *pgparse.VariableSetStmt, *pgparse.VariableShowStmt, *pgparse.ConstraintsSetStmt,
		*pgparse.ListenStmt, *pgparse.UnlistenStmt, *pgparse.NotifyStmt, *pgparse.DiscardStmt, *pgparse.DeallocateStmt,
		*pgparse.ExecuteStmt, *pgparse.FetchStmt, *pgparse.ClosePortalStmt, *pgparse.LockStmt, *pgparse.ExplainStmt,
		*pgparse.CheckPointStmt, *pgparse.LoadStmt, *pgparse.VacuumStmt:
		return Other
	}
	return DDL
}

// sessionStatementText returns one common text for statements about objects that end with the session,
// because drivers number their savepoints, cursors and prepared statements. It returns ""
// for any other statement.
func sessionStatementText(node *pgparse.Node, sql string) string {
	switch n := pgparse.Unwrap(node).(type) {
	case *pgparse.TransactionStmt:
		switch n.Kind {
		case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
			return "SAVEPOINT s"
		case pgparse.TransactionStmtKind_TRANS_STMT_RELEASE:
			return "RELEASE SAVEPOINT s"
		case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
			return "ROLLBACK TO SAVEPOINT s"
		}
	case *pgparse.ClosePortalStmt:
		if n.Portalname != "" {
			return "CLOSE c"
		}
	case *pgparse.DeallocateStmt:
		if n.Name != "" {
			return "DEALLOCATE p"
		}
	case *pgparse.ExecuteStmt:
		return "EXECUTE p"
	case *pgparse.FetchStmt:
		for _, name := range []string{pgparse.QuoteIdent(n.Portalname), `"` + n.Portalname + `"`, n.Portalname} {
			if head, ok := strings.CutSuffix(sql, name); ok {
				return head + "c"
			}
		}
	}
	return ""
}

// isSelectInto reports whether a query is a SELECT INTO.
func isSelectInto(s *pgparse.SelectStmt) bool {
	for ; s != nil; s = s.Larg {
		if s.IntoClause != nil {
			return true
		}
	}
	return false
}

// countTables counts the relations in the FROM clauses of a statement, at all levels.
func countTables(node *pgparse.Node) int {
	n := 0
	list := func(nodes ...*pgparse.Node) {
		for _, item := range nodes {
			n += countJoinedTables(item)
		}
	}
	pgparse.Walk(node, func(msg any) bool {
		switch s := msg.(type) {
		case *pgparse.SelectStmt:
			list(s.FromClause...)
		case *pgparse.UpdateStmt:
			n++
			list(s.FromClause...)
		case *pgparse.DeleteStmt:
			n++
			list(s.UsingClause...)
		case *pgparse.MergeStmt:
			n++
			list(s.SourceRelation)
		}
		return true
	})
	return n
}

func countJoinedTables(item *pgparse.Node) int {
	switch f := pgparse.Unwrap(item).(type) {
	case *pgparse.RangeVar:
		return 1
	case *pgparse.JoinExpr:
		return countJoinedTables(f.Larg) + countJoinedTables(f.Rarg)
	case *pgparse.RangeTableSample:
		return countJoinedTables(f.Relation)
	}
	return 0
}
