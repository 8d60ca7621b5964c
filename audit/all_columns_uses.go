package audit

import (
	"cmp"
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/onward"
)

// readingAll answers the question which code reads all columns of a table, or writes by
// their order, and fails if a column is added or, if the question has no column, removed.
func (u *deployedCode) readingAll(q question) analysis.Usage {
	b, by := u.indexFor(q), u.byMapper(q)
	out := analysis.Usage{Known: true}
	for _, s := range b.Stars(catalog.Name{Name: q.Name.Name}, q.Column) {
		kind := analysis.ReadsRows
		if s.Keeps {
			kind = analysis.KeepsPlan
		}
		out.Stars = append(out.Stars, analysis.Star{
			Kind:     kind,
			Evidence: onward.Evidence{Kind: "code", Path: s.Path, Line: s.Line, Text: starText(s.Star), Revision: u.name},
		})
	}
	out.Stars = append(out.Stars, u.findPositionalWrites(b, q, func(p string) bool { return takesRows(p) || !by && !isPage(p) })...)
	slices.SortStableFunc(out.Stars, func(a, b analysis.Star) int { return cmp.Compare(a.Kind, b.Kind) })
	out.Used = len(out.Stars) > 0
	return out
}

// takesRows reports whether usage knows the targets of rows in a file's language.
func takesRows(file string) bool { return path.Ext(file) == ".go" || path.Ext(file) == ".rs" }

// starText describes a star for people.
func starText(s usage.Star) string {
	switch {
	case s.How == usage.Inserts:
		return "INSERT INTO " + s.Name + " … RETURNING *"
	case s.How == usage.Updates:
		return "UPDATE " + s.Name + " … RETURNING *"
	case s.How == usage.Deletes:
		return "DELETE FROM " + s.Name + " … RETURNING *"
	case s.As == "":
		return "SELECT * FROM " + s.Name
	case s.As == s.Name:
		return "SELECT " + s.As + ".* FROM " + s.Name
	}
	return "SELECT " + s.As + ".* FROM " + s.Name + " " + s.As
}

// byMapper reports whether a mapper writes the SQL, and so names the columns.
func (u *deployedCode) byMapper(q question) bool {
	models, _ := u.deployedModels(q.database)
	return models != nil
}

// mayReadAll reports whether there is code that readingAll understands.
func (u *deployedCode) mayReadAll(q question) bool {
	return !u.byMapper(q) || slices.ContainsFunc(u.base.Files(), func(f gitrange.File) bool { return takesRows(f.Path) })
}
