package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkCreateStatistics checks CREATE STATISTICS.
func (q *Checker) checkCreateStatistics(s *pgparse.CreateStatsStmt) {
	for _, e := range s.GetExprs() {
		if e.GetStatsElem().GetExpr() != nil && !q.V.AtLeast(14) {
			q.RecordRefusal(pgerror.StatisticsSimple)
			return
		}
	}
	if len(s.GetDefnames()) == 0 && !q.V.AtLeast(16) {
		q.RecordRefusal(pgerror.SyntaxAt, "ON")
		return
	}
	for _, n := range s.GetRelations() {
		rel := q.FindTable(n.GetRangeVar())
		switch {
		case rel == nil:
		case rel.Kind == catalog.View:
			q.RecordRefusal(pgerror.StatisticsHere, rel.Name.Name)
			return
		case !q.checkStatisticsColumns(rel, s):
			return
		}
	}
}

// checkStatisticsColumns refuses columns that statistics cannot be made of.
func (q *Checker) checkStatisticsColumns(rel *catalog.Relation, s *pgparse.CreateStatsStmt) bool {
	for _, n := range s.GetExprs() {
		name := n.GetStatsElem().GetName()
		col := rel.Column(name)
		switch {
		case name == "":
		case col == nil && q.IsFullyKnown(rel):
			q.RecordRefusal(pgerror.ColumnMissingAlone, name)
			return false
		case col != nil && col.Generated == "virtual" && !q.V.AtLeast(19):
			q.RecordRefusal(pgerror.StatisticsVirtual)
			return false
		case col != nil && !col.Inferred && q.checkOperatorClass("btree", "", col.Type) != nil:
			q.RecordRefusal(pgerror.StatisticsUnordered, name, col.Type.FormatFull())
			return false
		}
	}
	if list := s.GetExprs(); len(list) == 1 && list[0].GetStatsElem().GetName() != "" {
		col := rel.Column(list[0].GetStatsElem().GetName())
		switch {
		case !q.V.AtLeast(19):
			q.RecordRefusal(pgerror.StatisticsTwo)
			return false
		case col != nil && col.Generated != "virtual":
			q.RecordRefusal(pgerror.StatisticsOneColumn)
			return false
		}
	}
	return true
}
