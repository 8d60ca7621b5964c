package index

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConcurrentHypertable flags CREATE INDEX CONCURRENTLY on a hypertable, which TimescaleDB refuses by its manual.
// https://docs.timescale.com/api/latest/hypertable/create_index/
var ConcurrentHypertable = &rule.Rule{
	ID:       "index-concurrent-hypertable",
	Category: onward.Locking,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "CREATE INDEX CONCURRENTLY does not work on a hypertable of TimescaleDB: the migration fails",
	Harm:     "TimescaleDB refuses the statement (by its manual; not measured), and the migration stops there.",
	Instead: "Build the index WITH (timescaledb.transaction_per_chunk), outside a transaction: it blocks writes to one chunk at a time. " +
		"A unique index has no such form.",
	Manual:    []string{"https://docs.timescale.com/api/latest/hypertable/create_index/"},
	Kinds:     rule.CreateIndex,
	Statement: checkConcurrentHypertable,
}

func checkConcurrentHypertable(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	if stmt == nil || !stmt.GetConcurrent() || s.RefusedRule() != "" {
		return
	}
	table, _ := s.Before.Resolve(stmt.GetRelation())
	if !table.Manager.IsHypertable() {
		return
	}
	p.Report(s, rule.Report{
		Fact: "TimescaleDB refuses CREATE INDEX CONCURRENTLY on the hypertable " + table.Name.String(),
		Harm: "the migration fails: hypertables do not support concurrent index creation",
	})
}
