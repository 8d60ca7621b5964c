package release

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
)

// isSwappedLater reports whether the copy of a table takes the table's name in a later transaction. If it does so in the
// transaction of the copy, table-swap-loses-rows judges it.
func isSwappedLater(p *rule.Pass, r *rule.Release, c *tableCopy) bool {
	deployed, now := r.Deployed.Relation(c.source), r.Head.Relation(c.new)
	if deployed == nil || now == nil || now.Name != deployed.Name || c.followed {
		return false
	}
	for _, lost := range rule.KeptValues[lostName](p) {
		if lost.table == c.source {
			return lost.tx != c.tx
		}
	}
	return false
}

// reportSwappedCopy reports rows that are written between the copy of a table and its exchange.
func reportSwappedCopy(p *rule.Pass, r *rule.Release, c *tableCopy) {
	old := r.Deployed.Relation(c.source).Name
	evidence, _, used := findWriters(p, old)
	if !used {
		return
	}
	p.Report(c.by, rule.Report{
		Fact: "the rows of " + old.String() + " are copied into a new table once, which takes its name later",
		Harm: "the deployed code writes to " + old.String() + analysis.Usage{Evidence: evidence}.FirstPlace() +
			": what it writes between the copy and the exchange is lost",
		Instead: "change the columns of " + old.String() + " instead; or create triggers on it before the copy that write each INSERT, UPDATE and DELETE " +
			"to the new table as well",
		Evidence: evidence,
	})
}
