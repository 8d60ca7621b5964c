package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

func (q *Question) createTrigger(s *pgparse.CreateTrigStmt) {
	if s.GetReplace() && !q.V.AtLeast(14) {
		q.RecordRefusal(refuse.SyntaxAt, "TRIGGER")
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
		q.RecordRefusal(refuse.IsTable, rel.Name.Name)
		return
	case rel.Kind == catalog.View && s.GetEvents()&truncates != 0:
		q.RecordRefusal(refuse.IsView, rel.Name.Name)
		return
	case rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence:
		q.RecordRefusal(refuse.NoTriggersHere, rel.Name.Name)
		return
	}
	if s.GetWhenClause() != nil && pgparse.HasNode[*pgparse.SubLink](s.GetWhenClause()) {
		q.RecordRefusal(refuse.TriggerWhenSubquery)
		return
	}
	if len(s.GetTransitionRels()) > 0 && s.GetRow() && !rel.Inferred {
		switch {
		case rel.Kind == catalog.PartitionedTable:
			q.RecordRefusal(refuse.IsPartitioned, rel.Name.Name)
		case rel.Parent != 0:
			q.RecordRefusal(refuse.TransitionPartition)
		case len(rel.Inherits) > 0:
			q.RecordRefusal(refuse.TransitionInheritance)
		}
	}
	if from := s.GetConstrrel(); from != nil {
		q.FindTable(from)
	}
}

func (q *Question) createRule(s *pgparse.RuleStmt) {
	rel := q.FindTable(s.GetRelation())
	if rel != nil && s.GetEvent() == pgparse.CmdType_CMD_SELECT && rel.Kind.IsTable() && !rel.Inferred && q.V.AtLeast(16) {
		q.RecordRefusal(refuse.NoSelectRuleHere, rel.Name.Name)
	}
}

// checkPolicy is CREATE POLICY and ALTER POLICY.
func (q *Question) checkPolicy(table *pgparse.RangeVar, conditions ...*pgparse.Node) {
	rel := q.FindTable(table)
	if rel != nil && !rel.Kind.IsTable() && !rel.Inferred {
		q.RecordRefusal(refuse.NotTable, rel.Name.Name)
	}
	if rel == nil {
		return
	}
	for _, c := range conditions {
		q.checkExpr(c)
	}
}
