package deployed

import (
	"cmp"
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// findAllColumnsUses finds code that reads all columns of a table or writes them by position. Such
// code fails if a column is added or removed.
func (u *Code) findAllColumnsUses(q question) analysis.Usage {
	b, isMapped := u.indexFor(q), u.isSQLByMapper(q)
	out := analysis.Usage{Known: true}
	for _, s := range b.FindAllColumnsQueries(catalog.Name{Name: q.Name.Name}, q.Column) {
		kind := analysis.SelectStar
		if s.Keeps {
			kind = analysis.CachedPlan
		}
		out.AllColumnsUses = append(out.AllColumnsUses, analysis.AllColumnsUse{
			Kind:     kind,
			Evidence: onward.Evidence{Kind: "code", Path: s.Path, Line: s.Line, Text: describeAllColumnsQuery(s.AllColumnsQuery), Revision: u.name},
		})
	}
	out.AllColumnsUses = append(out.AllColumnsUses, u.findPositionalWrites(b, q,
		func(p string) bool { return hasTypedRowTargets(p) || !isMapped && !isPage(p) })...)
	slices.SortStableFunc(out.AllColumnsUses, func(a, b analysis.AllColumnsUse) int { return cmp.Compare(a.Kind, b.Kind) })
	out.Used = len(out.AllColumnsUses) > 0
	return out
}

// hasTypedRowTargets reports whether, in a file's language, package index knows the struct that a row goes into.
func hasTypedRowTargets(file string) bool { return path.Ext(file) == ".go" || path.Ext(file) == ".rs" }

// describeAllColumnsQuery describes a query on all columns for people.
func describeAllColumnsQuery(s facts.AllColumnsQuery) string {
	switch {
	case s.How == facts.Inserts:
		return "INSERT INTO " + s.Name + " … RETURNING *"
	case s.How == facts.Updates:
		return "UPDATE " + s.Name + " … RETURNING *"
	case s.How == facts.Deletes:
		return "DELETE FROM " + s.Name + " … RETURNING *"
	case s.As == "":
		return "SELECT * FROM " + s.Name
	case s.As == s.Name:
		return "SELECT " + s.As + ".* FROM " + s.Name
	}
	return "SELECT " + s.As + ".* FROM " + s.Name + " " + s.As
}

// isSQLByMapper reports whether an ORM generates the SQL. Generated SQL lists its columns.
func (u *Code) isSQLByMapper(q question) bool {
	models, _ := u.deployedModels(q.database)
	return models != nil
}

// hasTypedRows reports whether any deployed file can be searched by findAllColumnsUses.
func (u *Code) hasTypedRows(q question) bool {
	return !u.isSQLByMapper(q) || slices.ContainsFunc(u.base.Files(), func(f gitrange.File) bool { return hasTypedRowTargets(f.Path) })
}
