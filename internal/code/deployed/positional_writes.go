package deployed

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/onward"
)

// findPositionalWrites finds code that writes to a table by the order of its columns, in SQL of any
// program: COPY and INSERT without a column list, and INSERT … SELECT * from it into
// another table. counts reports which files count.
func (u *Code) findPositionalWrites(b *index.Bound, q question, counts func(path string) bool) []analysis.AllColumnsUse {
	name := q.Name.Name
	var out []analysis.AllColumnsUse
	add := func(kind analysis.AllColumnsKind, w index.Written, target, text string) {
		if counts(w.Path) {
			place := onward.Evidence{Kind: "code", Path: w.Path, Line: w.Line, Text: text, Revision: u.name}
			out = append(out, analysis.AllColumnsUse{Kind: kind, Into: target, Evidence: place})
		}
	}
	table := catalog.Name{Name: name}
	for _, w := range b.Writes(table) {
		switch {
		case w.Listed:
		case w.How == facts.Copies:
			add(analysis.CopyWithoutColumns, w, "", "COPY "+name+" FROM")
		case w.How == facts.Inserts && q.Column == "" && w.Values > 0 && w.Values == b.Width(table):
			add(analysis.InsertWithoutColumns, w, "", "INSERT INTO "+name+" VALUES (…)")
		}
	}
	for _, f := range b.FindCopied(table) {
		add(analysis.InsertSelectStar, f.Written, f.Into, "INSERT INTO "+f.Into+" SELECT * FROM "+name)
	}
	return out
}
