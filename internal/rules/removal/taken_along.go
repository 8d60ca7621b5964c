package removal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// changes are the deltas of a transaction by the statements that they are due to.
type changes map[*rule.Stmt][]*rule.Delta

func changesByStatement(t *rule.Tx) changes {
	return rule.BuildOnce(&t.Notes, func() changes {
		out := changes{}
		for i := range t.Deltas {
			d := &t.Deltas[i]
			out[d.By] = append(out[d.By], d)
		}
		return out
	})
}

// isCascade reports whether a statement says CASCADE of something that is
// dropped.
func isCascade(n *pgparse.Node) bool {
	if d := n.GetDropStmt(); d != nil {
		return d.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	}
	for _, c := range n.GetAlterTableStmt().GetCmds() {
		cmd := c.GetAlterTableCmd()
		if cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE &&
			(cmd.GetSubtype() == pgparse.AlterTableType_AT_DropColumn || cmd.GetSubtype() == pgparse.AlterTableType_AT_DropConstraint) {
			return true
		}
	}
	return false
}

// describeDroppedAlong names what a delta took along, when the statement does not; heavy says
// that code or data depends on it. names are those in a DROP.
func describeDroppedAlong(p *rule.Pass, s *rule.Stmt, names map[string]bool, d *rule.Delta) (description string, heavy bool) {
	if drop := s.Node.GetDropStmt(); drop.GetRemoveType() == pgparse.ObjectType_OBJECT_SCHEMA && d.Before != nil &&
		slices.ContainsFunc(drop.GetObjects(), func(n *pgparse.Node) bool { return n.GetString_().GetSval() == d.Before.Name.Schema }) {
		return "", false // what is in it: schema-drop
	}
	switch d.Kind {
	case catalog.RelationDropped:
		if !p.IsDeployed(d) || d.Before.Kind == catalog.Sequence || d.Before.Parent != 0 ||
			names[d.Before.Name.Name] || d.Before.Kind == catalog.CompositeType {
			return "", false
		}
		return d.Before.Kind.String() + " " + d.Before.Name.String(), true
	case catalog.ConstraintDropped:
		if !p.IsDeployed(d) || isOnAlteredTable(s, d) {
			return "", false
		}
		if drop := s.Node.GetDropStmt(); drop != nil && d.OldConstraint.Kind == catalog.Check && d.After != nil {
			return "check constraint " + d.OldConstraint.Name + " of " + d.Before.Name.String(), false
		}
		if d.OldConstraint.Kind != catalog.ForeignKey {
			return "", false
		}
		return "foreign key " + d.OldConstraint.Name + " of " + d.Before.Name.String(), false
	case catalog.ColumnDropped:
		if !p.IsDeployed(d) || d.Before.View != nil || isOnAlteredTable(s, d) {
			return "", false
		}
		return "column " + d.Old.Name + " of " + d.Before.Name.String(), true
	case catalog.TriggerDropped:
		if !p.IsDeployed(d) || isOnAlteredTable(s, d) {
			return "", false
		}
		return "trigger " + d.OldTrigger.Name + " of " + d.Before.Name.String(), true
	case catalog.PolicyDropped:
		if !p.IsDeployed(d) || d.After == nil {
			return "", false
		}
		return "policy " + d.Policy.Name + " of " + d.Before.Name.String(), true
	}
	return "", false
}
