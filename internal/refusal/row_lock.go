package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// checkRowLocks checks the clauses that lock rows: FOR UPDATE, FOR SHARE and others.
func (a *queryChecker) checkRowLocks(s *pgparse.SelectStmt, l *query.Level) {
	if clauseName := unlockableClause(s); clauseName != "" {
		a.RecordRefusal(pgerror.LockNotAllowed, lockStrength(s), clauseName)
		return
	}
	for _, clause := range s.GetLockingClause() {
		if len(clause.GetLockingClause().GetLockedRels()) > 0 {
			continue
		}
		for _, n := range s.GetFromClause() {
			pgparse.Walk(n, func(m any) bool {
				rv, ok := m.(*pgparse.RangeVar)
				if ok && l.CTE(rv) == nil {
					a.checkRowLock(a.C.Lookup(rv.GetSchemaname(), rv.GetRelname()))
				}
				return !ok
			})
		}
	}
}

// checkRowLock refuses what has no rows that could be locked.
func (q *Checker) checkRowLock(rel *catalog.Relation) {
	if rel != nil && !rel.Inferred && (rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence) {
		q.RecordRefusal(pgerror.RowsNotLockable, rel.Kind.String(), rel.Name.Name)
	}
}

// lockStrength returns the first clause that locks rows: FOR UPDATE.
func lockStrength(s *pgparse.SelectStmt) string {
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

// unlockableClause returns the clause of a query because of which its rows are not rows of a
// table (CheckSelectLocking); "" for none.
func unlockableClause(s *pgparse.SelectStmt) string {
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
	clauseName := ""
	for _, n := range s.GetTargetList() {
		pgparse.Walk(n, func(m any) bool {
			switch x := m.(type) {
			case *pgparse.SubLink:
				return false
			case *pgparse.FuncCall:
				name := pgparse.LastText(x.GetFuncname())
				switch {
				case x.GetOver() != nil:
					clauseName = "window functions"
				case x.GetAggStar() || contains(Aggregates, name) || name == "max" || name == "min":
					clauseName = "aggregate functions"
				}
			}
			return clauseName == ""
		})
	}
	return clauseName
}

// Aggregates are the server's aggregates that may be used without a column, or with one
// that no index provides.
var Aggregates = []string{"count", "sum", "avg", "array_agg", "string_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg",
	"bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor", "any_value", "xmlagg", "range_agg", "stddev", "variance"}
