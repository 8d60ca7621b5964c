package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewRefreshConcurrentlyUnsupported flags REFRESH MATERIALIZED VIEW CONCURRENTLY
// without the unique index that it needs.
// https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
var ViewRefreshConcurrentlyUnsupported = &rule.Rule{
	ID:        "view-refresh-concurrently-unsupported",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Stops:     true,
	Summary:   "REFRESH MATERIALIZED VIEW CONCURRENTLY without a unique index on plain columns fails",
	Harm:      "The server refuses the statement, and the migration stops there.",
	Instead:   "Create a unique index on plain columns, without a condition, first.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html"},
	Kinds:     rule.Another,
	Statement: checkRefreshConcurrentlyUnsupported,
}

func checkRefreshConcurrentlyUnsupported(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetRefreshMatViewStmt()
	if stmt == nil || s.RefusedRule() != p.Rule.ID {
		return
	}
	view, _ := s.Before.Resolve(stmt.GetRelation())
	p.Report(s, rule.Report{
		Fact:    "the server refuses to refresh materialized view " + view.Name.String() + " concurrently",
		Harm:    "the migration fails: it has no unique index on plain columns",
		Instead: "create one first:\nCREATE UNIQUE INDEX CONCURRENTLY ON " + analysis.QuoteTable(view.Name) + " (…);",
	})
}
