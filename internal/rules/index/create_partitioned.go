package index

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CreatePartitioned flags CREATE INDEX on a partitioned table: it builds an
// index on every partition in one transaction, and cannot be concurrent.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
var CreatePartitioned = &rule.Rule{
	ID:       "index-create-partitioned",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "CREATE INDEX on a partitioned table blocks writes to all partitions until the last index is built",
	Harm: "An index is built on each partition, one after the other, in one transaction: " +
		"SHARE on the parent and on every partition is held until the last is done. CONCURRENTLY does not work on a partitioned table.",
	Instead:   "Create the index ON ONLY the parent, build it on each partition CONCURRENTLY, and attach those: the parent's becomes valid with the last.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE"},
	Kinds:     rule.CreateIndex,
	Statement: checkCreatePartitioned,
}

func checkCreatePartitioned(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	if stmt == nil || stmt.GetConcurrent() || s.Result.Refused != nil {
		return
	}
	table, _ := s.Before.Resolve(stmt.GetRelation())
	if table.Kind != catalog.PartitionedTable || p.IsSmall(table.Name) {
		return
	}
	built := 0
	for i := range s.Result.Effects {
		if e := &s.Result.Effects[i]; e.BuildsIndex && p.IsExisting(e) && !p.IsSmall(e.Name) {
			built++
		}
	}
	if built == 0 {
		return
	}
	name := "an index"
	if stmt.GetIdxname() != "" {
		name = "index " + stmt.GetIdxname()
	}
	indexLock := &effect.Effect{OID: table.OID, Name: table.Name, Lock: onward.ShareLock}
	strongest, since := s.StrongestLock(indexLock)
	p.Report(s, rule.Report{
		Fact:    "creating " + name + " blocks " + describeBlocked(chooseOwnLock(strongest, indexLock, since)) + table.Name.String() + " and all its partitions",
		Harm:    analysis.DescribeWaiting(strongest) + " waits until the index is built on each partition, which takes as long as all of them together are big" + since,
		Instead: advisePartitionBuild(s, stmt, table),
	})
}
