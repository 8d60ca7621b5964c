package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PartitionCreateLocksParent flags CREATE TABLE … PARTITION OF an existing table: unlike
// ATTACH PARTITION it needs the parent for itself.
// https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-PARTITION
var PartitionCreateLocksParent = &rule.Rule{
	ID:        "partition-create-locks-parent",
	Category:  onward.Locking,
	Severity:  onward.Warning,
	Summary:   "CREATE TABLE … PARTITION OF locks the parent, and its default partition, against reads and writes",
	Harm:      "It takes ACCESS EXCLUSIVE on the parent. It is quick once it has it, but while it waits for a running query, later queries wait for it.",
	Instead:   "Create a table like the parent and attach it: ATTACH PARTITION takes SHARE UPDATE EXCLUSIVE on the parent, which blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE"},
	Kinds:     rule.CreateTable,
	Statement: checkCreateLocksParent,
}

func checkCreateLocksParent(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetCreateStmt()
	if stmt.GetPartbound() == nil || s.Result.Refused != nil || s.Settings.IsBounded() {
		return
	}
	for _, parent := range listParents(p, s) {
		e := findEffect(&s.Result, parent.Name)
		if e == nil || !e.Lock.BlocksReads() || !p.IsExisting(e) {
			continue
		}
		part, _ := s.Before.Resolve(stmt.GetRelation())
		name := analysis.QuoteTable(part.Name)
		quiet := "which blocks neither reads nor writes"
		if d := s.Before.Relation(parent.Default); d != nil {
			quiet = "which locks the default partition " + d.Name.String() + " alone"
		}
		p.Report(s, rule.Report{
			Fact: "creating the partition " + part.Name.String() + " locks " + parent.Name.String() + " against reads and writes",
			Harm: analysis.DescribeQueue(e),
			Instead: "create the table by itself and attach it, " + quiet + ":\nCREATE TABLE " + name + " (LIKE " + analysis.QuoteTable(parent.Name) +
				" INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);\n" +
				recipe.AttachPartition(parent.Name, part.Name, analysis.PartitionBounds(s.SQL)) + ";",
		})
	}
}
