package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewRefreshIndexLost flags a materialized view that loses the unique index by which
// it can be refreshed concurrently.
// https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html
var ViewRefreshIndexLost = &rule.Rule{
	ID:       "view-refresh-index-lost",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a materialized view loses its unique index, so that it cannot be refreshed concurrently",
	Harm: "REFRESH MATERIALIZED VIEW CONCURRENTLY needs a unique index on plain columns, for all rows. " +
		"Such an index on a view is there for that, as a rule: a job, or the deployed code, that refreshes the view fails from then on, " +
		"and what is read is the state of the last refresh. DROP MATERIALIZED VIEW takes the indexes along.",
	Instead: "Create the unique index again, in the same transaction.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-refreshmaterializedview.html"},
	Gather:  gatherUnindexedViews,
	Release: checkRefreshIndexLost,
}

// unindexedView is a materialized view that may have lost such an index.
type unindexedView struct {
	by   *rule.Stmt
	view catalog.OID
}

func gatherUnindexedViews(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		for i := range t.Deltas {
			d := &t.Deltas[i]
			if d.By == nil || d.After == nil || d.After.Kind != catalog.MaterializedView {
				continue
			}
			if d.Kind == catalog.IndexDropped || p.ReplacedRelation(d) != nil {
				p.KeepValue(unindexedView{d.By, d.OID})
			}
		}
	}
}

func checkRefreshIndexLost(p *rule.Pass, r *rule.Release) {
	reportedViews := map[catalog.OID]bool{}
	for _, x := range rule.KeptValues[unindexedView](p) {
		now := r.Head.Relation(x.view)
		if reportedViews[x.view] || now == nil || r.Head.RefreshIndex(now) != nil {
			continue
		}
		old := r.Deployed.Lookup(now.Name.Schema, now.Name.Name)
		if old == nil || old.Kind != catalog.MaterializedView {
			continue
		}
		lost := r.Deployed.RefreshIndex(old)
		if lost == nil {
			continue
		}
		reportedViews[x.view] = true
		var columns []string
		for _, k := range lost.Index.Keys {
			columns = append(columns, old.Attr(k.Column).Name)
		}
		p.Report(x.by, rule.Report{
			Fact: "materialized view " + now.Name.String() + " is left without unique index " + lost.Name.Name,
			Harm: "what refreshes it concurrently fails: cannot refresh materialized view \"" + now.Name.Qualified() + "\" concurrently",
			Instead: "create one in the same transaction:\nCREATE UNIQUE INDEX " + pgparse.QuoteIdent(lost.Name.Name) + " ON " + analysis.QuoteTable(now.Name) +
				" (" + analysis.QuoteIdents(columns) + ");",
		})
	}
}
