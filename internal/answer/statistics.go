package answer

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// statistics is CREATE STATISTICS.
func (q *Question) statistics(s *pgparse.CreateStatsStmt) {
	for _, e := range s.GetExprs() {
		if e.GetStatsElem().GetExpr() != nil && !q.V.AtLeast(14) {
			q.Refuse(refuse.StatisticsSimple)
			return
		}
	}
	if len(s.GetDefnames()) == 0 && !q.V.AtLeast(16) {
		q.Refuse(refuse.SyntaxAt, "ON")
		return
	}
	for _, n := range s.GetRelations() {
		rel := q.Table(n.GetRangeVar())
		switch {
		case rel == nil:
		case rel.Kind == catalog.View:
			q.Refuse(refuse.StatisticsHere, rel.Name.Name)
			return
		case !q.mayCorrelate(rel, s):
			return
		}
	}
}

// mayCorrelate refuses columns that statistics cannot be made of.
func (q *Question) mayCorrelate(rel *catalog.Relation, s *pgparse.CreateStatsStmt) bool {
	for _, n := range s.GetExprs() {
		name := n.GetStatsElem().GetName()
		col := rel.Column(name)
		switch {
		case name == "":
		case col == nil && q.Whole(rel):
			q.Refuse(refuse.ColumnMissingAlone, name)
			return false
		case col != nil && col.Generated == "virtual":
			q.Refuse(refuse.StatisticsVirtual)
			return false
		case col != nil && !col.Inferred && q.unfit("btree", "", col.Type) != nil:
			q.Refuse(refuse.StatisticsUnordered, name, col.Type.Formal())
			return false
		}
	}
	if list := s.GetExprs(); len(list) == 1 && list[0].GetStatsElem().GetName() != "" {
		q.Refuse(refuse.StatisticsTwo)
		return false
	}
	return true
}
