package relation

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// findEffect returns the effect of a result on a relation; nil when there is none.
func findEffect(r *effect.Result, name catalog.Name) *effect.Effect {
	for i := range r.Effects {
		if r.Effects[i].Name == name {
			return &r.Effects[i]
		}
	}
	return nil
}

// attachment is an ATTACH PARTITION of a table.
type attachment struct {
	*rule.Command
	parent, part *catalog.Relation
}

func listAttachments(p *rule.Pass, s *rule.Stmt) []attachment {
	var out []attachment
	for _, c := range p.ListCommands(s) {
		cmd := c.Def.GetPartitionCmd()
		if c.Subtype != pgparse.AlterTableType_AT_AttachPartition || cmd.GetBound() == nil {
			continue // of an index
		}
		part, _ := s.Before.Resolve(cmd.GetName())
		out = append(out, attachment{Command: c, parent: s.AlteredRelation(), part: part})
	}
	return out
}
