package analysis

import (
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// GivesOneRow reports whether a query gives at most one row however many it reads: it has an aggregate
// and no groups.
func GivesOneRow(q *pgparse.SelectStmt) bool {
	if q == nil || q.GetLarg() != nil || len(q.GetGroupClause()) > 0 {
		return false
	}
	hasAggregate := false
	for _, target := range q.GetTargetList() {
		pgparse.Walk(target, func(msg any) bool {
			switch x := msg.(type) {
			case *pgparse.SubLink:
				return false
			case *pgparse.FuncCall:
				hasAggregate = hasAggregate || x.GetOver() == nil && builtin.IsAggregate(pgparse.LastText(x.GetFuncname()))
			}
			return !hasAggregate
		})
	}
	return hasAggregate
}

// FirstSource returns the first relation of a query's FROM; nil for none. Its rows are copied by an INSERT … SELECT, and the other
// relations are joined to them.
func FirstSource(q *pgparse.SelectStmt) *pgparse.RangeVar {
	for q.GetLarg() != nil {
		q = q.GetLarg()
	}
	if len(q.GetFromClause()) == 0 {
		return nil
	}
	n := q.GetFromClause()[0]
	for n.GetJoinExpr() != nil {
		n = n.GetJoinExpr().GetLarg()
	}
	return n.GetRangeVar()
}
