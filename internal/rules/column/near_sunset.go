package column

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// NearSunset flags code that begins to use a deprecated column shortly before the column's last day.
// https://www.postgresql.org/docs/current/sql-comment.html
var NearSunset = &rule.Rule{
	ID:       "column-near-sunset",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Later:    true,
	Summary:  "this branch adds a use of a deprecated column whose last day is near",
	Harm: "A comment on the column, or `deprecated` in onward.yaml, says after which day it is removed. " +
		"Code that begins to use the column now fails on that day, or keeps the column alive. It is reported from 30 days before the last day on; " +
		"`deprecation_notice_days` in onward.yaml changes that. A use of which only the name is known is a note.",
	Instead: "Use the column that takes its place; or agree on a later day with the column's owner, and write that day.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-comment.html"},
	Gather:  gatherComments,
	Release: checkNearSunset,
}

func checkNearSunset(p *rule.Pass, r *rule.Release) {
	list, _ := deprecation.ListDeprecations(r.Head, r.Deprecated)
	for i := range list {
		d := &list[i]
		schema, name, _ := strings.Cut(d.Relation, ".")
		t := r.Head.Lookup(schema, name)
		days, isNear := d.Near(r.Today, r.NoticeDays)
		if !isNear || t == nil || t.Column(d.Column) == nil {
			continue
		}
		u := p.Code.AddedUses(t.Name, d.Column)
		if len(u.Evidence) == 0 {
			continue
		}
		action := "adds a use of "
		if u.Count > 1 {
			action = fmt.Sprintf("adds %d uses of ", u.Count)
		}
		report := rule.Report{
			Fact: "this branch " + action + d.Column + " of " + t.Name.String() + ", which is deprecated and is removed after " + d.RemoveAfter + ", " +
				formatDaysLeft(days),
			Harm:     "the new code fails when the column is removed",
			Instead:  "use " + cmp.Or(d.Successors(), "something else") + "; or agree on a later day with the column's owner, and write it",
			Evidence: u.Evidence,
		}
		if u.Named {
			report.Severity = onward.Info
			report.Fact = strings.Replace(report.Fact, "this branch adds", "this branch may add", 1)
			report.Harm = "code that works on the table has the column's name now; if it uses the column, it fails when the column is removed"
		}
		if s := findDeprecatingComment(rule.KeptValues[commentedColumn](p), t, d); s != nil {
			p.Report(s, report)
		} else {
			p.ReportAt("", u.Evidence[0].Path, u.Evidence[0].Line, report)
		}
	}
}

// findDeprecatingComment returns the statement of the release that deprecates a column; nil if none does.
func findDeprecatingComment(list []commentedColumn, t *catalog.Relation, d *deprecation.Deprecation) *rule.Stmt {
	for _, c := range list {
		if c.table == t.OID && c.column == d.Column && !d.Configured {
			return c.by
		}
	}
	return nil
}

// formatDaysLeft says when a day is.
func formatDaysLeft(days int) string {
	switch days {
	case 0:
		return "today"
	case 1:
		return "tomorrow"
	}
	return fmt.Sprintf("in %d days", days)
}
