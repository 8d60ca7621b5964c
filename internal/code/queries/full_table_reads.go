package queries

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// readsFullTable reports whether a query returns every row of one relation: it has no condition and no limit, and it
// calls no function, because that may be an aggregate.
func readsFullTable(s *pgparse.SelectStmt) bool {
	if s == nil || len(s.GetFromClause()) != 1 || s.GetFromClause()[0].GetRangeVar() == nil || s.GetWhereClause() != nil || s.GetLimitCount() != nil ||
		s.GetHavingClause() != nil || len(s.GetGroupClause())+len(s.GetDistinctClause()) > 0 || s.GetLarg() != nil || s.GetWithClause() != nil {
		return false
	}
	calls := false
	for _, target := range s.GetTargetList() {
		pgparse.Walk(target, func(msg any) bool {
			switch msg.(type) {
			case *pgparse.FuncCall, *pgparse.SubLink:
				calls = true
			}
			return !calls
		})
	}
	return !calls
}
