package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartitionDropLocksParent flags DROP TABLE of a partition: it needs the parent, and the
// default partition, for itself.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
var PartitionDropLocksParent = &rule.Rule{
	ID:        "partition-drop-locks-parent",
	Category:  onward.Locking,
	Severity:  onward.Warning,
	Summary:   "DROP TABLE of a partition locks the parent, and its default partition, against reads and writes",
	Harm:      "It takes ACCESS EXCLUSIVE on the parent. It is quick once it has it, but while it waits for a running query, later queries wait for it.",
	Instead:   "Detach the partition CONCURRENTLY first (14 and newer), then drop it: it is nobody's by then.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE"},
	Kinds:     rule.Drop,
	Statement: checkDropLocksParent,
}

func checkDropLocksParent(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetDropStmt()
	if stmt.GetRemoveType() != pgparse.ObjectType_OBJECT_TABLE || s.Result.Refused != nil || s.Settings.IsBounded() {
		return
	}
	for i := range s.Result.Effects {
		part := s.Before.Relation(s.Result.Effects[i].OID)
		if !s.Result.Effects[i].Dropped || part == nil || part.Parent == 0 {
			continue
		}
		parent := s.Before.Relation(part.Parent)
		if parent == nil || !p.InUse(parent) {
			continue
		}
		e := findEffect(&s.Result, parent.Name)
		if e == nil || e.Dropped || !e.Lock.BlocksReads() {
			continue
		}
		advice := "detach it concurrently first, outside a transaction:\n" + recipe.Concurrently(recipe.DetachPartition(parent.Name, part.Name)) +
			";\nDROP TABLE " + analysis.QuoteTable(part.Name) + ";"
		if v := p.Versions(); parent.Default != 0 || v[len(v)-1] < 14 {
			advice = "bound the wait, and retry:\nSET lock_timeout = '2s';\n" + s.SQL + ";"
		}
		p.Report(s, rule.Report{
			Fact:    "dropping the partition " + part.Name.String() + " locks " + parent.Name.String() + " against reads and writes",
			Harm:    analysis.DescribeQueue(e),
			Instead: advice,
		})
		return
	}
}
