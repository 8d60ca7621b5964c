package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// In some languages a program cannot read NULL into every field. pgx, database/sql, sqlx of Rust, Diesel and Prisma
// refuse a row with NULL for such a field. GORM, bun and go-pg read the zero value.

// NullField is a field that rows of a table are read into.
type NullField struct {
	Path string
	Line int
	Null facts.Null
}

// Nulls returns the fields for a column of a table of which it is known whether they take NULL or fail at it.
func (b *Bound) Nulls(n catalog.Name, column string) (out []NullField) {
	add := func(path string, m *facts.Model) {
		for _, f := range m.Fields {
			if f.Null != facts.NullUnknown && !f.Left && (f.Column == column || f.Column == "" && slices.Contains(facts.Spellings(column), f.Field)) {
				out = append(out, NullField{path, f.Line, f.Null})
				return
			}
		}
	}
	b.eachModelOrCall(n, add, func(string, *facts.Call) {})
	words := map[string]bool{}
	for _, w := range append(facts.TableWords(n.Name), b.Class) {
		words[facts.NormalizeName(w)] = true
	}
	targets := b.rowStructs(n, column)
	b.eachFile(func(f *File) {
		for i := range f.Facts.Rows {
			m := &f.Facts.Rows[i]
			if !m.Guessed && words[facts.NormalizeName(m.Class)] || targets[m.Class] {
				add(f.Path, m)
			}
		}
	})
	slices.SortFunc(out, func(x, y NullField) int {
		if x.Path != y.Path {
			return strings.Compare(x.Path, y.Path)
		}
		return x.Line - y.Line
	})
	return slices.Compact(out)
}

// rowStructs returns the structs into which queries read a column of a table.
func (b *Bound) rowStructs(n catalog.Name, column string) map[string]bool {
	out := map[string]bool{}
	b.eachNamingQuery(n, func(_ string, q *facts.Query, _ int) {
		if q.Row == "" || out[q.Row] {
			return
		}
		out[q.Row] = len(q.Relations) == 1 || slices.ContainsFunc(q.Columns, func(c facts.Column) bool {
			return c.Name == column && b.meansColumn(q, c.Name, c.Of, n)
		})
	})
	return out
}
