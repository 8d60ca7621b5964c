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
	// Columns are the columns that the mapper names, in the table's order. All is set if it
	// names the columns that the server lists, and the code does not say which.
	Columns []string
	All     bool
}

// Mapped returns the models of a table that code declares to a mapper, sorted by position:
// not the shapes of rows that other queries return.
func (b *Bound) Mapped(r *catalog.Relation) []Mapped {
	var out []Mapped
	b.eachMapped(r.Name, func(path string, m *Model) {
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

// Declaration is a place that declares a table to a mapper.
type Declaration struct {
	Path, Class string
	Line        int
}

// Declarations returns the models of a table, and the shapes of its rows.
func (b *Bound) Declarations(n catalog.Name) []Declaration {
	var out []Declaration
	b.eachMapped(n, func(path string, m *Model) { out = append(out, Declaration{path, m.Class, m.Line}) }, func(string, *Call) {})
	return out
}
