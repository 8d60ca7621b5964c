package column

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// PastSunset flags a deprecated column that is still there when its last day is over.
// https://www.postgresql.org/docs/current/sql-comment.html
var PastSunset = &rule.Rule{
	ID:       "column-past-sunset",
	Category: onward.Configuration,
	Severity: onward.Error,
	Summary:  "a deprecated column is still there after the day on which it was to go, or its deprecation cannot be read",
	Harm: "A comment on the column, or `deprecated` in onward.yaml, says after which day it is removed: that day is over, and the column is still there. " +
		"A promise to other teams, or the second half of a migration in two steps, is forgotten if nobody reports it. A date that cannot be read is a warning.",
	Instead: "Drop the column, when nothing uses it any more (onward record --deny-deprecated tells what does); or write a later day, with the reason.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-comment.html"},
	Gather:  gatherComments,
	Release: checkPastSunset,
}

// commentedColumn is a statement of the release that says something of a column.
type commentedColumn struct {
	by     *rule.Stmt
	table  catalog.OID
	column string
}

func gatherComments(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		c := s.Node.GetCommentStmt()
		if c == nil || c.GetObjtype() != pgparse.ObjectType_OBJECT_COLUMN || s.After == nil {
			continue
		}
		list := pgparse.ListItems(c.GetObject())
		if len(list) < 2 {
			continue
		}
		schema, name := pgparse.SchemaAndName(list[:len(list)-1])
		if t := s.After.Lookup(schema, name); t != nil {
			p.KeepValue(commentedColumn{s, t.OID, pgparse.LastText(list)})
		}
	}
}

func checkPastSunset(p *rule.Pass, r *rule.Release) {
	comments := rule.KeptValues[commentedColumn](p)
	reportColumn := func(t *catalog.Relation, column string, configured bool, report rule.Report) {
		place, known := r.Said[t.Name.Qualified()+"."+column]
		i := slices.IndexFunc(comments, func(c commentedColumn) bool { return c.table == t.OID && c.column == column })
		switch {
		case i >= 0 && !configured:
			p.Report(comments[i].by, report)
		case known && !configured:
			p.ReportAt(place.Migration, place.Path, place.Line, report)
		default:
			p.ReportAt("", "onward.yaml", 1, report)
		}
	}
	for _, u := range deprecation.ListMisread(r.Head) {
		reportColumn(u.Table, u.Column.Name, false, rule.Report{
			Severity: onward.Warning,
			Fact:     "the comment on " + u.Column.Name + " of " + u.Table.Name.String() + " speaks to onward, and cannot be read: " + u.Err.Error(),
			Harm:     "nothing reports uses of the column, or the end of its last day",
			Instead: "write it as:\nCOMMENT ON COLUMN " + analysis.QuoteTable(u.Table.Name) + "." + pgparse.QuoteIdent(u.Column.Name) +
				" IS 'onward: deprecated 2026-11-01, remove after 2027-02-01';",
		})
	}
	list, _ := deprecation.ListDeprecations(r.Head, r.Deprecated)
	for i := range list {
		d := &list[i]
		schema, name, _ := strings.Cut(d.Relation, ".")
		t := r.Head.Lookup(schema, name)
		if t == nil || t.Column(d.Column) == nil || !d.IsOver(r.Today) {
			continue
		}
		u := p.Code.FindUses(t.Name, d.Column)
		subject := d.Column + " of " + t.Name.String()
		report := rule.Report{
			Fact:     subject + " was to be removed after " + d.RemoveAfter + ", and is still there",
			Harm:     "the promise is not kept, and nothing in the deployed code is known to use the column",
			Instead:  "drop it:\n" + recipe.DropColumn(t.Name, d.Column) + ";",
			Evidence: u.Evidence,
		}
		if u.Used {
			report.Fact += "; the deployed code uses it" + u.FirstPlace()
			report.Harm = "what uses it fails on the day on which it goes"
			report.Instead = "use " + cmp.Or(d.Successors(), "something else") + " there and drop it a release later; or write a later day, with the reason"
		}
		reportColumn(t, d.Column, d.Configured, report)
	}
}
