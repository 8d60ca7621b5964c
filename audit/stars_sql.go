package audit

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/onward"
)

// unlisted finds where code writes to a table by the order of its columns, in SQL of
// any program: COPY and INSERT without a list of them, and INSERT … SELECT * of it
// into another table. counts tells the files that count.
func (u *deployedCode) unlisted(b *usage.Bound, q question, counts func(path string) bool) []analysis.Star {
	name := q.Name.Name
	var out []analysis.Star
	add := func(kind analysis.StarKind, w usage.Written, into, said string) {
		if counts(w.Path) {
			out = append(out, analysis.Star{Kind: kind, Into: into, Evidence: onward.Evidence{Kind: "code", Path: w.Path, Line: w.Line, Text: said, Revision: u.name}})
		}
	}
	table := catalog.Name{Name: name}
	for _, w := range b.Writes(table) {
		switch {
		case w.Listed:
		case w.How == usage.Copies:
			add(analysis.CopiesRows, w, "", "COPY "+name+" FROM")
		case w.How == usage.Inserts && q.Column == "" && w.Values > 0 && w.Values == b.Width(table):
			add(analysis.InsertsRows, w, "", "INSERT INTO "+name+" VALUES (…)")
		}
	}
	for _, f := range b.Fills(table) {
		add(analysis.InsertsAll, f.Written, f.Into, "INSERT INTO "+f.Into+" SELECT * FROM "+name)
	}
	return out
}
