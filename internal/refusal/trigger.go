package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

func (q *Checker) checkCreateTrigger(s *pgparse.CreateTrigStmt) {
	if s.GetReplace() && !q.V.AtLeast(14) {
		q.RecordRefusal(pgerror.SyntaxAt, "TRIGGER")
		return
	}
	rel := q.FindTable(s.GetRelation())
	if rel == nil {
		return
	}
	const truncates, insteadOf = 1 << 5, 1 << 6 // TRIGGER_TYPE_TRUNCATE, TRIGGER_TYPE_INSTEAD
	switch {
	case rel.Inferred:
	case rel.Kind.IsTable() && s.GetTiming() == insteadOf:
		q.RecordRefusal(pgerror.IsTable, rel.Name.Name)
		return
	case rel.Kind == catalog.View && s.GetEvents()&truncates != 0:
		q.RecordRefusal(pgerror.IsView, rel.Name.Name)
		return
	case rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence:
		return // the catalog refuses it
	}
	if s.GetWhenClause() != nil && pgparse.HasNode[*pgparse.SubLink](s.GetWhenClause()) {
		q.RecordRefusal(pgerror.TriggerWhenSubquery)
		return
	}
	if len(s.GetTransitionRels()) > 0 && s.GetRow() && !rel.Inferred {
		switch {
		case rel.Kind == catalog.PartitionedTable:
			q.RecordRefusal(pgerror.IsPartitioned, rel.Name.Name)
		case rel.Parent != 0:
			q.RecordRefusal(pgerror.TransitionPartition)
		case len(rel.Inherits) > 0:
			q.RecordRefusal(pgerror.TransitionInheritance)
		}
	}
	if from := s.GetConstrrel(); from != nil {
		q.FindTable(from)
	}
}

func (q *Checker) checkCreateRule(s *pgparse.RuleStmt) {
	rel := q.FindTable(s.GetRelation())
	if rel != nil && s.GetEvent() == pgparse.CmdType_CMD_SELECT && rel.Kind.IsTable() && !rel.Inferred && q.V.AtLeast(16) {
		q.RecordRefusal(pgerror.NoSelectRuleHere, rel.Name.Name)
	}
}

// checkPolicy checks CREATE POLICY and ALTER POLICY.
func (q *Checker) checkPolicy(table *pgparse.RangeVar, conditions ...*pgparse.Node) {
	rel := q.FindTable(table)
	if rel != nil && !rel.Kind.IsTable() && !rel.Inferred {
		q.RecordRefusal(pgerror.NotTable, rel.Name.Name)
	}
	if rel == nil {
		return
	}
	for _, c := range conditions {
		q.checkExpr(c)
	}
}
