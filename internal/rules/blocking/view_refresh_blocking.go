package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewRefreshBlocking flags REFRESH MATERIALIZED VIEW without CONCURRENTLY on one
// that is in use.
// https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
var ViewRefreshBlocking = &rule.Rule{
	ID:        "view-refresh-blocking",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Summary:   "REFRESH MATERIALIZED VIEW without CONCURRENTLY blocks reads of it while its query runs",
	Harm:      "The query runs and the view is rewritten under ACCESS EXCLUSIVE. Every query on the materialised view waits for all of it.",
	Instead:   "Use REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on plain columns and lets reads go on.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html"},
	Kinds:     rule.Another,
	Statement: checkRefreshBlocking,
}

func checkRefreshBlocking(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetRefreshMatViewStmt()
	if stmt == nil || stmt.GetConcurrent() || s.Result.Refused != nil {
		return
	}
	view, known := s.Before.Resolve(stmt.GetRelation())
	if !p.InUse(view) || known && !view.Inferred && view.View != nil && !view.View.Filled {
		return // nobody can read one that holds no data
	}
	name := view.Name.String()
	if stmt.GetSkipData() {
		p.Report(s, rule.Report{
			Fact:    "WITH NO DATA empties materialized view " + name,
			Harm:    "every query on it fails: it has not been populated",
			Instead: "refresh it with data:\nREFRESH MATERIALIZED VIEW CONCURRENTLY " + analysis.QuoteTable(view.Name) + ";",
		})
		return
	}
	e := p.FindBlocked(&s.Result, func(e *effect.Effect) bool { return e.Rewrites && e.Name == view.Name })
	if e == nil {
		return
	}
	advice := "refresh it concurrently, which needs a unique index on plain columns:\n"
	if known && !view.Inferred && s.Before.RefreshIndex(view) == nil {
		advice = "give it a unique index on plain columns, and refresh it concurrently:\nCREATE UNIQUE INDEX CONCURRENTLY ON " + analysis.QuoteTable(view.Name) +
			" (…);\n"
	}
	p.Report(s, rule.Report{
		Fact:    "refreshing materialized view " + name + " blocks reads of it",
		Harm:    "every query on " + name + " waits until its query has run",
		Instead: advice + "REFRESH MATERIALIZED VIEW CONCURRENTLY " + analysis.QuoteTable(view.Name) + ";",
	})
}
