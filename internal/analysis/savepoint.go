package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Savepoints are those of the transaction that is open, the newest last, with
// how things stood at each: the schema, the checks that are pending. What stands
// there must not be changed in place.
// https://www.postgresql.org/docs/current/sql-rollback-to.html
type Savepoints[T any] []savepoint[T]

type savepoint[T any] struct {
	name string
	at   T
}

// Follow takes in a statement and gives how things stand behind it: now, or as
// at the savepoint where it goes back to one.
func (s *Savepoints[T]) Follow(n *pgparse.Node, now T) T {
	t := n.GetTransactionStmt()
	if t == nil {
		return now
	}
	switch t.GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		*s = append(*s, savepoint[T]{t.GetSavepointName(), now})
	case pgparse.TransactionStmtKind_TRANS_STMT_RELEASE:
		if at := s.newest(t.GetSavepointName()); at >= 0 {
			*s = (*s)[:at]
		}
	case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		if at := s.newest(t.GetSavepointName()); at >= 0 {
			*s = (*s)[:at+1]
			return (*s)[at].at
		}
	default:
		*s = nil
	}
	return now
}

// newest is the place of the newest savepoint of a name, -1 for none.
func (s *Savepoints[T]) newest(name string) int {
	for at, x := range slices.Backward(*s) {
		if x.name == name {
			return at
		}
	}
	return -1
}
