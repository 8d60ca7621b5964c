package index

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConcurrentPartitioned flags CREATE INDEX CONCURRENTLY on a partitioned table,
// which the server refuses.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var ConcurrentPartitioned = &rule.Rule{
	ID:        "index-concurrent-partitioned",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Stops:     true,
	Summary:   "CREATE INDEX CONCURRENTLY does not work on a partitioned table: the migration fails",
	Harm:      "The server refuses the statement, and the migration stops there.",
	Instead:   "Create the index ON ONLY the parent, build it on each partition CONCURRENTLY, and attach those.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
	Kinds:     rule.CreateIndex,
	Statement: checkConcurrentPartitioned,
}

func checkConcurrentPartitioned(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	if stmt == nil || s.RefusedRule() != p.Rule.ID {
		return
	}
	table, _ := s.Before.Resolve(stmt.GetRelation())
	p.Report(s, rule.Report{
		Fact:    "the server refuses CREATE INDEX CONCURRENTLY on the partitioned table " + table.Name.String(),
		Harm:    "the migration fails: " + s.Result.Refused.Message(),
		Instead: advisePartitionBuild(s, stmt, table),
	})
}
