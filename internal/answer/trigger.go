package answer

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

func (q *Question) createTrigger(s *pgparse.CreateTrigStmt) {
	if s.GetReplace() && !q.V.AtLeast(14) {
		q.Refuse(refuse.SyntaxAt, "TRIGGER")
		return
	}
	rel := q.Table(s.GetRelation())
	if rel == nil {
		return
	}
	const truncates, insteadOf = 1 << 5, 1 << 6 // TRIGGER_TYPE_TRUNCATE, TRIGGER_TYPE_INSTEAD
	switch {
	case rel.Inferred:
	case rel.Kind.IsTable() && s.GetTiming() == insteadOf:
		q.Refuse(refuse.IsTable, rel.Name.Name)
		return
	case rel.Kind == catalog.View && s.GetEvents()&truncates != 0:
		q.Refuse(refuse.IsView, rel.Name.Name)
		return
	case rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence:
		q.Refuse(refuse.NoTriggersHere, rel.Name.Name)
		return
	}
	if s.GetWhenClause() != nil && pgparse.Holds[*pgparse.SubLink](s.GetWhenClause()) {
		q.Refuse(refuse.TriggerWhenSubquery)
		return
	}
	if len(s.GetTransitionRels()) > 0 && s.GetRow() && !rel.Inferred {
		switch {
		case rel.Kind == catalog.PartitionedTable:
			q.Refuse(refuse.IsPartitioned, rel.Name.Name)
		case rel.Parent != 0:
			q.Refuse(refuse.TransitionPartition)
		case len(rel.Inherits) > 0:
			q.Refuse(refuse.TransitionInheritance)
		}
	}
	if from := s.GetConstrrel(); from != nil {
		q.Table(from)
	}
}

func (q *Question) createRule(s *pgparse.RuleStmt) {
	rel := q.Table(s.GetRelation())
	if rel != nil && s.GetEvent() == pgparse.CmdType_CMD_SELECT && rel.Kind.IsTable() && !rel.Inferred && q.V.AtLeast(16) {
		q.Refuse(refuse.NoSelectRuleHere, rel.Name.Name)
	}
}

// policy is CREATE POLICY and ALTER POLICY.
func (q *Question) policy(table *pgparse.RangeVar, conditions ...*pgparse.Node) {
	rel := q.Table(table)
	if rel != nil && !rel.Kind.IsTable() && !rel.Inferred {
		q.Refuse(refuse.NotTable, rel.Name.Name)
	}
	if rel == nil {
		return
	}
	for _, c := range conditions {
		q.expr(c)
	}
}
