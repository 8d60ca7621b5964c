package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Savepoints are the savepoints of the open transaction, the newest last, each with a
// state such as the schema or the pending checks. That state must not be modified in
// place.
// https://www.postgresql.org/docs/current/sql-rollback-to.html
type Savepoints[T any] []savepoint[T]

type savepoint[T any] struct {
	name string
	at   T
}

// FollowStatement processes a statement and returns the state after it: now, or the state at the
// savepoint to which it rolls back.
func (s *Savepoints[T]) FollowStatement(n *pgparse.Node, now T) T {
	t := n.GetTransactionStmt()
	if t == nil {
		return now
	}
	switch t.GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		*s = append(*s, savepoint[T]{t.GetSavepointName(), now})
	case pgparse.TransactionStmtKind_TRANS_STMT_RELEASE:
		if i := s.findNewest(t.GetSavepointName()); i >= 0 {
			*s = (*s)[:i]
		}
	case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		if i := s.findNewest(t.GetSavepointName()); i >= 0 {
			*s = (*s)[:i+1]
			return (*s)[i].at
		}
	default:
		*s = nil
	}
	return now
}

// findNewest returns the index of the newest savepoint of a name, -1 for none.
func (s *Savepoints[T]) findNewest(name string) int {
	for i, x := range slices.Backward(*s) {
		if x.name == name {
			return i
		}
	}
	return -1
}
