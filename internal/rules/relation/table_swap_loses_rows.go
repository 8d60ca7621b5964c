package relation

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableSwapLosesRows flags a table of the release that takes the name of a deployed one
// without all of its rows: none were copied, or others could write during the copy.
// https://www.postgresql.org/docs/current/explicit-locking.html
var TableSwapLosesRows = &rule.Rule{
	ID:       "table-swap-loses-rows",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "a new table takes the place of a deployed one, without all of its rows or values",
	Harm: "INSERT … SELECT sees the rows that were there when it began. What the deployed code writes between that and the swap goes to the old table, " +
		"and away with it. A table that nothing was copied to is empty for the code, and a column that the INSERT does not name is NULL, or has its default, " +
		"in every row.",
	Instead: "Change the table with ALTER TABLE. If it has to be a new one: create it in one release, keep it in step by triggers on the old table, " +
		"copy in batches, and swap the names in a later release.",
	Manual:  []string{"https://www.postgresql.org/docs/current/explicit-locking.html", "https://www.postgresql.org/docs/current/sql-altertable.html"},
	Gather:  gatherSwaps,
	Release: checkSwapLosesRows,
}

func checkSwapLosesRows(p *rule.Pass, r *rule.Release) {
	swaps, fillings := rule.KeptValues[swap](p), rule.KeptValues[filling](p)
	var hidden []int
	fillingsByTable := map[catalog.OID][]int{}
	for i, f := range fillings {
		if f.hidden {
			hidden = append(hidden, i)
		} else {
			fillingsByTable[f.table] = append(fillingsByTable[f.table], i)
		}
	}
	for _, x := range swaps {
		lastFilling, tableFillings := -1, fillingsByTable[x.now.OID]
		for _, i := range tableFillings {
			if containsTable(fillings[i].reads, x.old) {
				lastFilling = i
			}
		}
		if len(hidden) > 0 {
			lastFilling = max(lastFilling, hidden[len(hidden)-1])
		}
		var last *filling
		if lastFilling >= 0 {
			last = &fillings[lastFilling]
		}
		some := len(hidden) > 0 || len(tableFillings) > 0
		if some && len(hidden) == 0 {
			reportLostValues(p, r, x, fillings, tableFillings)
		}
		judgeSwap(p, r, x, last, some)
	}
}

// judgeSwap reports a swap by the last statement that copies rows, nil for none;
// some: something of the release writes to the new table.
func judgeSwap(p *rule.Pass, r *rule.Release, x swap, last *filling, some bool) {
	old, now := x.old.Name.String(), x.now.Name.String()
	switch {
	case !some && x.dropped:
		p.Report(x.by, rule.Report{
			Fact:    "table " + old + " is dropped, and a new table takes its name without its rows",
			Harm:    "no statement of the release copies the rows: they are lost, and the code finds an empty table",
			Instead: "change it with ALTER TABLE; or copy the rows, and drop the old table a release later",
		})
	case !some:
		if isDescendant(r.Head, x.now.OID, x.old.OID) {
			return
		}
		u, severity := p.Code.FindUses(x.old.Name, ""), onward.Info
		if !u.IsIdle() {
			severity = onward.Warning
		}
		p.Report(x.by, rule.Report{
			Fact:     "a new table takes the name " + old + ", and no statement of the release copies the rows",
			Harm:     "the code finds an empty table" + u.FirstPlace() + "; the rows are in " + findFinalName(r.Head, x.old),
			Instead:  "copy what the code still reads; where the old rows are only kept, there is nothing to do",
			Severity: severity,
			Evidence: u.Evidence,
		})
	case last == nil || last.hidden || isWriteLocked(last.still, x.old) || slices.Contains(last.followed, x.old.OID) || x.followed:
	default:
		fate := "are lost with it"
		if !x.dropped {
			fate = "stay in the old one, where the code does not look"
		}
		p.Report(x.by, rule.Report{
			Fact: "a new table takes the name of " + now + ", with the rows that were there when " + last.by.FormatPlace() + " copied them",
			Harm: "rows that the deployed code writes to " + old + " between the copy and the swap " + fate,
			Instead: "keep both in step by a trigger on " + analysis.QuoteTable(x.old.Name) +
				" from before the copy; or, if it is small, close it first, in the same transaction:\nLOCK TABLE " + analysis.QuoteTable(x.old.Name) + " IN SHARE ROW EXCLUSIVE MODE;",
			Severity: onward.Warning,
			Evidence: []onward.Evidence{last.by.NewEvidence("copies the rows of " + old)},
		})
	}
}

// isDescendant reports whether a table is a partition or a child of another, so that
// queries of that one find its rows.
func isDescendant(c *catalog.Catalog, parent, child catalog.OID) bool {
	r := c.Relation(child)
	for n := 0; r != nil && n < 10; n++ {
		if r.Parent == parent || slices.Contains(r.Inherits, parent) {
			return true
		}
		r = c.Relation(r.Parent)
	}
	return false
}

// findFinalName returns the name that a table has at the end of the release.
func findFinalName(c *catalog.Catalog, r *catalog.Relation) string {
	if now := c.Relation(r.OID); now != nil {
		return now.Name.String()
	}
	return "the old one, which a later statement drops"
}
