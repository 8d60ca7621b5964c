package analysis

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// GivesOneRow reports whether a query gives at most one row however many it reads: it has an aggregate
// and no groups.
func GivesOneRow(q *pgparse.SelectStmt) bool {
	if q == nil || q.GetLarg() != nil || len(q.GetGroupClause()) > 0 {
		return false
	}
	one := false
	for _, target := range q.GetTargetList() {
		pgparse.Walk(target, func(msg any) bool {
			switch x := msg.(type) {
			case *pgparse.SubLink:
				return false
			case *pgparse.FuncCall:
				one = one || x.GetOver() == nil && catalog.IsAggregate(pgparse.LastText(x.GetFuncname()))
			}
			return !one
		})
	}
	return one
}
