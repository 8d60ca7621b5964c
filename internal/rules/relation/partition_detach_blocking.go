package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartitionDetachBlocking flags DETACH PARTITION without CONCURRENTLY.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
var PartitionDetachBlocking = &rule.Rule{
	ID:       "partition-detach-blocking",
	Category: onward.Locking,
	Severity: onward.Warning,
	Since:    14,
	Summary:  "DETACH PARTITION without CONCURRENTLY locks the parent against reads and writes",
	Harm: "It takes ACCESS EXCLUSIVE on the parent and the partition. It is quick once it has both, but while it waits for a running query, " +
		"later queries wait for it.",
	Instead: "Use DETACH PARTITION … CONCURRENTLY (14 and newer), outside a transaction. " +
		"It does not work beside a default partition: set a short lock_timeout there.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DETACH-PARTITION"},
	Kinds:     rule.AlterTable,
	Statement: checkDetachBlocking,
}

func checkDetachBlocking(p *rule.Pass, s *rule.Stmt) {
	for _, c := range p.ListCommands(s) {
		cmd := c.Def.GetPartitionCmd()
		parent := s.AlteredRelation()
		if c.Subtype != pgparse.AlterTableType_AT_DetachPartition || cmd.GetConcurrent() || !p.InUse(parent) {
			continue
		}
		alone := p.EffectsAlone(c)
		e := findEffect(alone, parent.Name)
		if alone.Refused != nil || e == nil || !e.Lock.BlocksReads() {
			continue
		}
		part, _ := s.Before.Resolve(cmd.GetName())
		if e := findEffect(alone, part.Name); e != nil && e.Scans {
			continue // blocking-work: a foreign key refers to the parent, and a concurrent detach looks up its rows as well
		}
		advice := "detach it concurrently, outside a transaction:\n" + recipe.Concurrently(s.SQL) + ";"
		if parent.Default != 0 {
			advice = "beside a default partition it cannot be concurrent: bound the wait, and retry:\nSET lock_timeout = '2s';\n" + s.SQL + ";"
		}
		r := rule.Report{
			Fact:    "detaching " + part.Name.String() + " locks " + parent.Name.String() + " against reads and writes",
			Harm:    analysis.DescribeQueue(e),
			Instead: advice,
		}
		if s.Settings.IsBounded() {
			if parent.Default != 0 {
				continue // there is no better way
			}
			r.Severity = onward.Info // nobody waits for longer than that
		}
		p.Report(c, r)
	}
}
