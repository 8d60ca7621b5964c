package usage

import (
	"github.com/onward-sql/onward/internal/catalog"
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

// FindFullTableReads returns the queries that read all rows of a relation at once.
func (b *Bound) FindFullTableReads(n catalog.Name) []Use {
	var out []Use
	b.eachNamingQuery(n, func(path string, q *Query, i int) {
		if q.Whole && !q.Open && q.Routine.Name == "" {
			out = append(out, Use{path, q.Relations[i].Line, Reads, Parsed, rankQuery})
		}
	})
	return b.rankUses(out)
}
