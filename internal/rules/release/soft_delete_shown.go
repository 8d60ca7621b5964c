package release

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SoftDeleteShown flags new code that marks rows as deleted, where the deployed code deletes them, while queries show the marked rows.
var SoftDeleteShown = &rule.Rule{
	ID:       "release-soft-delete-shown",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "the new code marks rows as deleted, and queries still show them",
	Harm: "A DELETE became an UPDATE of a column such as deleted_at, or a model says now that its mapper marks deleted rows. " +
		"A query without a condition on the column returns the marked rows. " +
		"The deployed code does so until the new code has replaced it everywhere.",
	Instead: "Add the condition to each query in one release, and mark rows in a later one. Queries by a key are not reported: they may be meant.",
	Gather:  gatherDeletedColumns,
	Release: checkSoftDeleteShown,
}

// deletedColumns are the usual names of columns that mark rows as deleted.
var deletedColumns = []string{"deleted_at", "deleted_on", "deletedAt", "removed_at", "discarded_at", "is_deleted", "is_removed", "deleted"}

// deletedColumn is such a column that the release adds.
type deletedColumn struct {
	by    *rule.Stmt
	table catalog.Name
	name  string
}

func gatherDeletedColumns(p *rule.Pass, m *rule.Migration) {
	for _, d := range m.EachChange() {
		if d.Kind == catalog.ColumnAdded && d.By != nil && slices.Contains(deletedColumns, d.New.Name) {
			p.KeepValue(deletedColumn{d.By, d.After.Name, d.New.Name})
		}
	}
}

func checkSoftDeleteShown(p *rule.Pass, r *rule.Release) {
	added := rule.KeptValues[deletedColumn](p)
	r.Head.EachRelation(func(t *catalog.Relation) bool {
		for _, name := range deletedColumns {
			if t.Kind.IsTable() && t.Parent == 0 && r.Deployed.Relation(t.OID) != nil && t.Column(name) != nil {
				reportSoftDelete(p, t.Name, name, added)
			}
		}
		return true
	})
}

func reportSoftDelete(p *rule.Pass, table catalog.Name, column string, added []deletedColumn) {
	u := p.Code.FindSoftDelete(table, column)
	if !u.Used || len(u.Written) == 0 || len(u.Read)+len(u.Evidence) == 0 {
		return
	}
	new, old := analysis.Usage{Evidence: u.Read}, analysis.Usage{Evidence: u.Evidence}
	harm := ""
	if len(u.Read) > 0 {
		harm = "the new code shows the marked rows" + new.AllPlaces()
	}
	if len(u.Evidence) > 0 {
		if harm != "" {
			harm += ", and "
		}
		harm += "the deployed code shows them until the new code has replaced it everywhere" + old.AllPlaces()
	}
	report := rule.Report{
		Fact:     "the new code sets " + column + " of " + table.String() + " where the deployed code deletes rows, and queries without a condition on it are left",
		Harm:     harm,
		Instead:  "add the condition on " + column + " to these queries, in a release before the one that marks rows",
		Evidence: slices.Concat(u.Written, u.Read, u.Evidence),
	}
	if i := slices.IndexFunc(added, func(a deletedColumn) bool { return a.table == table && a.name == column }); i >= 0 {
		p.Report(added[i].by, report)
		return
	}
	p.ReportAt("", u.Written[0].Path, u.Written[0].Line, report)
}
