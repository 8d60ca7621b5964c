package release

import (
	"fmt"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ContractWithExpand flags a release that adds a column, fills it from another
// one of the table, and drops that one.
var ContractWithExpand = &rule.Rule{
	ID:       "release-contract-with-expand",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Preset:   rule.Recommended,
	Summary:  "one release adds a column, fills it from an old one, and drops the old one",
	Harm:     "Expand and contract are two releases. In one, there is no moment at which old code and new code both find their column: while the deploy runs, the old code reads and writes a column that is gone, and what it wrote after the copy is lost.",
	Instead:  "Release the new column and keep both in step; drop the old one in a later release, when no code that uses it runs.",
	Gather:   copiesAndDrops,
	Release:  contractWithExpand,
}

// copiesAndDrops keeps the backfills and the dropped columns of a migration.
func copiesAndDrops(p *rule.Pass, m *rule.Migration) {
	copies(p, m)
	for _, t := range m.Txs {
		for _, d := range t.Deltas {
			if d.Kind == catalog.ColumnDropped && d.Old != nil {
				p.Keep(d)
			}
		}
	}
}

func contractWithExpand(p *rule.Pass, _ *rule.Release) {
	copied := rule.Kept[copied](p)
	for _, d := range rule.Kept[rule.Delta](p) {
		for _, c := range copied {
			if c.table.OID != d.OID || !c.reads(d.Old.Name) {
				continue
			}
			p.Report(d.By, rule.Report{
				Fact:     fmt.Sprintf("the release copies %s of %s to %s and drops it", d.Old.Name, d.Name(), c.column),
				Harm:     "the deployed code uses it until the deploy is over, and what it writes after the copy is lost",
				Instead:  "drop " + d.Old.Name + " in a later release, when no code that uses it runs",
				Evidence: []onward.Evidence{c.by.Evidence("copies " + d.Old.Name + " to " + c.column)},
			})
			break
		}
	}
}
