package relation

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartitionDetachConcurrentlyUnsupported flags DETACH PARTITION … CONCURRENTLY beside a
// default partition, which the server refuses.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
var PartitionDetachConcurrentlyUnsupported = &rule.Rule{
	ID:        "partition-detach-concurrently-unsupported",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Stops:     true,
	Since:     14,
	Summary:   "DETACH PARTITION … CONCURRENTLY does not work beside a default partition: the migration fails",
	Harm:      "The server refuses the statement, and the migration stops there.",
	Instead:   "Detach it without CONCURRENTLY under a short lock_timeout, and retry.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DETACH-PARTITION"},
	Kinds:     rule.AlterTable,
	Statement: checkDetachConcurrentlyUnsupported,
}

func checkDetachConcurrentlyUnsupported(p *rule.Pass, s *rule.Stmt) {
	if s.RefusedRule() != p.Rule.ID {
		return
	}
	for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
		cmd := n.GetAlterTableCmd()
		if cmd.GetSubtype() != pgparse.AlterTableType_AT_DetachPartition {
			continue
		}
		part, _ := s.Before.Resolve(cmd.GetDef().GetPartitionCmd().GetName())
		parent := s.AlteredRelation()
		p.Report(s, rule.Report{
			Fact: "the server refuses to detach " + part.Name.String() + " from " + parent.Name.String() + " concurrently",
			Harm: "the migration fails: " + s.Result.Refused.Message(),
			Instead: "detach it without CONCURRENTLY, under a short lock_timeout, and retry:\nSET lock_timeout = '2s';\n" +
				recipe.DetachPartition(parent.Name, part.Name) + ";",
		})
	}
}
