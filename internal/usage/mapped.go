package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// Mapped is a model of a table whose mapper writes queries of its own.
type Mapped struct {
	Path string
	Line int
	// Columns are those of the table that the mapper names, in the table's order. All: it
	// names those that the server tells, and the code does not say which.
	Columns []string
	All     bool
}

// Mapped gives the models of a table, as far as code tells a mapper of them: not the shapes
// of rows that other queries give. They are sorted by their places.
func (b *Bound) Mapped(r *catalog.Relation) []Mapped {
	var out []Mapped
	b.mapped(r.Name, func(path string, m *Model) {
		if m.Row || m.Put || m.Base || m.Guessed {
			return
		}
		x := Mapped{Path: path, Line: m.Line, All: m.All}
		for _, c := range r.Columns {
			if _, _, told := b.columnOf(path, m, c.Name, 0); told && !m.All {
				x.Columns = append(x.Columns, c.Name)
			}
		}
		out = append(out, x)
	}, func(string, *Call) {})
	slices.SortFunc(out, func(x, y Mapped) int {
		if n := strings.Compare(x.Path, y.Path); n != 0 {
			return n
		}
		return x.Line - y.Line
	})
	return out
}
