package release

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// BackfillWithoutSync flags a new column that is filled once from an old one,
// with nothing that keeps the two in step.
// https://www.postgresql.org/docs/current/sql-createtrigger.html
var BackfillWithoutSync = &rule.Rule{
	ID:       "release-backfill-without-sync",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a new column is filled from an old one once, and nothing keeps them in step",
	Harm: "The deployed code does not know the new column. Values that it writes after the copy are in the old column only, and the new code, " +
		"which reads the new one, does not see them.",
	Instead: "Put a trigger on the table that fills the new column on every write before the copy runs, or copy again once the old code is gone.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createtrigger.html"},
	Gather:  gatherBackfills,
	Release: checkBackfillWithoutSync,
}

func gatherBackfills(p *rule.Pass, m *rule.Migration) {
	keepCopies(p, m)
	keepRequirements(p, m)
}

func checkBackfillWithoutSync(p *rule.Pass, r *rule.Release) {
	reportedColumns, reportedStmts := map[string]bool{}, map[*rule.Stmt]bool{}
	required := rule.KeptValues[requirement](p)
	for _, c := range rule.KeptValues[columnCopy](p) {
		key := c.table.Name.Qualified() + "." + c.column
		if slices.Contains(required, requirement{c.table.OID, c.column}) {
			continue // every INSERT of the deployed code fails, which another rule reports
		}
		if reportedColumns[key] || reportedStmts[c.by] || isSynced(r.Head.Relation(c.table.OID), c.column) || areSourcesGone(r, &c) {
			continue
		}
		reportedColumns[key], reportedStmts[c.by] = true, true
		table := c.table.Name.String()
		from := strings.Join(c.from, ", ")
		harm := fmt.Sprintf("rows that the deployed code writes to %s after this have %s without %s", table, from, c.column)
		if col := r.Head.Relation(c.table.OID).Column(c.column); col != nil && col.DefaultText != "" && !strings.EqualFold(col.DefaultText, "null") {
			harm = fmt.Sprintf("rows that the deployed code writes to %s after this have the default %s in %s, whatever is in %s", table, col.DefaultText, c.column,
				from)
		}
		p.Report(c.by, rule.Report{
			Fact: fmt.Sprintf("%s of %s is filled from %s once, and nothing keeps it in step", c.column, table, from),
			Harm: harm,
			Instead: fmt.Sprintf("before the copy, fill %s by a trigger:\nCREATE TRIGGER … BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION …;\n"+
				"or copy once more when the old code is gone", c.column, analysis.QuoteTable(c.table.Name)),
		})
	}
}

// areSourcesGone reports whether the release drops all columns that a backfill read, so that nobody
// writes them afterwards. release-contract-with-expand reports that.
func areSourcesGone(r *rule.Release, c *columnCopy) bool {
	deployed, head := r.Deployed.Relation(c.table.OID), r.Head.Relation(c.table.OID)
	if deployed == nil || head == nil {
		return false
	}
	for _, name := range c.from {
		if attr := deployed.Column(name); attr == nil || head.Attr(attr.Attnum) != nil {
			return false
		}
	}
	return true
}

// isSynced reports whether something may fill the column on every write: a
// trigger, or the column is gone again by the end.
func isSynced(t *catalog.Relation, column string) bool {
	if t == nil {
		return true
	}
	if c := t.Column(column); c == nil || c.Generated != "" {
		return true
	}
	for _, x := range t.Triggers {
		if x.Row && x.Timing == "before" {
			return true
		}
	}
	return false
}
