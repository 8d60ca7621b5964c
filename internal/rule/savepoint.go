package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// savepoints are those of the transaction that is open, the newest last, with
// the schema at each. https://www.postgresql.org/docs/current/sql-rollback-to.html
type savepoints []savepoint

type savepoint struct {
	name string
	at   *catalog.Catalog
}

// follow takes in a statement and gives the schema behind it: that of the
// savepoint where it goes back to one.
func (s *savepoints) follow(n *pgparse.Node, now *catalog.Catalog) *catalog.Catalog {
	t := n.GetTransactionStmt()
	if t == nil {
		return now
	}
	at := -1 // the newest of the name
	for i := range *s {
		if (*s)[i].name == t.GetSavepointName() {
			at = i
		}
	}
	switch t.GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		*s = append(*s, savepoint{t.GetSavepointName(), now})
	case pgparse.TransactionStmtKind_TRANS_STMT_RELEASE:
		if at >= 0 {
			*s = slices.Clip((*s)[:at])
		}
	case pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		if at >= 0 {
			*s = slices.Clip((*s)[:at+1])
			return (*s)[at].at
		}
	default:
		*s = nil
	}
	return now
}
