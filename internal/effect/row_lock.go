package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/refuse"
)

// rowLocks is FOR UPDATE and its like.
func (r *run) rowLocks(s *pgparse.SelectStmt, l *query.Level, mark int) {
	if what := unlockable(s); what != "" {
		r.Refuse(refuse.LockNotAllowed, strength(s), what)
		return
	}
	lock := func(rv *pgparse.RangeVar) {
		mark := len(r.Effects)
		tables := r.read(rv, rs)
		r.prune(mark, tables, rv, s.GetWhereClause())
	}
	for _, clause := range s.GetLockingClause() {
		names := clause.GetLockingClause().GetLockedRels()
		for _, n := range s.GetFromClause() {
			pgparse.Walk(n, func(m any) bool {
				rv, ok := m.(*pgparse.RangeVar)
				if !ok || l.CTE(rv) != nil {
					return true
				}
				if rel := r.C.Lookup(rv.GetSchemaname(), rv.GetRelname()); rel != nil && len(names) == 0 && !r.lockable(rel) {
					return false
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

// lockable refuses what has no rows that could be locked.
func (r *run) lockable(rel *catalog.Relation) bool {
	if rel.Inferred || rel.Kind != catalog.MaterializedView && rel.Kind != catalog.Sequence {
		return true
	}
	r.Refuse(refuse.RowsNotLockable, rel.Kind.String(), rel.Name.Name)
	return false
}

// strength is the first clause that locks rows: FOR UPDATE.
func strength(s *pgparse.SelectStmt) string {
	switch s.GetLockingClause()[0].GetLockingClause().GetStrength() {
	case pgparse.LockClauseStrength_LCS_FORKEYSHARE:
		return "FOR KEY SHARE"
	case pgparse.LockClauseStrength_LCS_FORSHARE:
		return "FOR SHARE"
	case pgparse.LockClauseStrength_LCS_FORNOKEYUPDATE:
		return "FOR NO KEY UPDATE"
	}
	return "FOR UPDATE"
}

// unlockable is what a query has by which its rows are no longer those of a
// table (CheckSelectLocking); "" for nothing.
func unlockable(s *pgparse.SelectStmt) string {
	switch {
	case s.GetLarg() != nil:
		return "UNION/INTERSECT/EXCEPT"
	case len(s.GetDistinctClause()) > 0:
		return "DISTINCT clause"
	case len(s.GetGroupClause()) > 0:
		return "GROUP BY clause"
	case s.GetHavingClause() != nil:
		return "HAVING clause"
	}
	what := ""
	for _, n := range s.GetTargetList() {
		pgparse.Walk(n, func(m any) bool {
			switch x := m.(type) {
			case *pgparse.SubLink:
				return false
			case *pgparse.FuncCall:
				name := pgparse.Last(x.GetFuncname())
				switch {
				case x.GetOver() != nil:
					what = "window functions"
				case x.GetAggStar() || contains(aggregates, name) || name == "max" || name == "min":
					what = "aggregate functions"
				}
			}
			return what == ""
		})
	}
	return what
}
