package effect

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// lockSelectedRows is FOR UPDATE and its like.
func (r *run) lockSelectedRows(s *pgparse.SelectStmt, l *query.Level) {
	lock := func(rv *pgparse.RangeVar) {
		mark := len(r.Effects)
		tables := r.lockReadRelation(rv, rs)
		r.prunePartitions(mark, tables, rv, s.GetWhereClause())
	}
	for _, clause := range s.GetLockingClause() {
		names := clause.GetLockingClause().GetLockedRels()
		for _, n := range s.GetFromClause() {
			pgparse.Walk(n, func(m any) bool {
				rv, ok := m.(*pgparse.RangeVar)
				if !ok || l.CTE(rv) != nil {
					return true
				}
				for _, want := range names {
					w := want.GetRangeVar().GetRelname()
					if w != rv.GetRelname() && w != rv.GetAlias().GetAliasname() {
						continue
					}
					lock(rv)
					return false
				}
				if len(names) == 0 {
					lock(rv)
				}
				return false
			})
		}
	}
}
