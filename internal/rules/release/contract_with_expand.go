package release

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ContractWithExpand flags a release that adds a column, fills it from another
// one of the table, and drops that one.
var ContractWithExpand = &rule.Rule{
	ID:       "release-contract-with-expand",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "one release adds a column, fills it from an old one, and drops the old one",
	Harm: "Expand and contract are two releases. In one, there is no moment at which old code and new code both find their column: " +
		"while the deploy runs, the old code reads and writes a column that is gone, and what it wrote after the copy is lost.",
	Instead: "Release the new column and keep both in step; drop the old one in a later release, when no code that uses it runs.",
	Gather:  gatherCopiesAndDrops,
	Release: checkContractWithExpand,
}

// gatherCopiesAndDrops keeps the backfills and the dropped columns of a migration.
func gatherCopiesAndDrops(p *rule.Pass, m *rule.Migration) {
	keepCopies(p, m)
	for t, d := range m.EachChange() {
		if d.Kind == catalog.ColumnDropped && d.Old != nil {
			p.KeepValue(droppedIn{*d, t.Index})
		}
	}
}

// droppedIn is a column that a transaction drops.
type droppedIn struct {
	rule.Delta
	tx int
}

// lostColumn is a column that is copied and dropped.
type lostColumn struct {
	rule.Delta
	copy columnCopy
}

func checkContractWithExpand(p *rule.Pass, _ *rule.Release) {
	var all []lostColumn
	copies := map[catalog.OID][]columnCopy{}
	for _, c := range rule.KeptValues[columnCopy](p) {
		copies[c.table.OID] = append(copies[c.table.OID], c)
	}
	for _, d := range rule.KeptValues[droppedIn](p) {
		for _, c := range copies[d.OID] {
			if !c.readsColumn(d.Old.Name) || c.tx == d.tx && c.alone {
				continue
			}
			all = append(all, lostColumn{d.Delta, c})
			break
		}
	}
	type key struct {
		drop, copy *rule.Stmt
	}
	for _, list := range analysis.GroupByKey(all, func(x *lostColumn) key { return key{x.By, x.copy.by} }) {
		var from, to []string
		for _, x := range list {
			from = append(from, x.Old.Name)
			if !slices.Contains(to, x.copy.column) {
				to = append(to, x.copy.column)
			}
		}
		names, pronoun := prose.EnumerateNames(from), "it"
		if len(list) > 1 {
			pronoun = "them"
		}
		p.Report(&list[0], rule.Report{
			Fact:     fmt.Sprintf("the release copies %s of %s to %s and drops %s", names, list[0].Name(), prose.EnumerateNames(to), pronoun),
			Harm:     "the deployed code uses " + pronoun + " until the deploy is over, and what it writes after the copy is lost",
			Instead:  "drop " + names + " in a later release, when no code that uses " + pronoun + " runs",
			Evidence: []onward.Evidence{list[0].copy.by.NewEvidence("copies " + names + " to " + prose.EnumerateNames(to))},
		})
	}
}
