package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
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
	b.eachModelOrCall(r.Name, func(path string, m *facts.Model) {
		if m.Row || m.Put || m.Base || m.Guessed {
			return
		}
		x := Mapped{Path: path, Line: m.Line, All: m.All}
		for _, c := range r.Columns {
			if _, _, found := b.locateColumn(path, m, c.Name, 0); found && !m.All {
				x.Columns = append(x.Columns, c.Name)
			}
		}
		out = append(out, x)
	}, func(string, *facts.Call) {})
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
	b.eachModelOrCall(n, func(path string, m *facts.Model) { out = append(out, Declaration{path, m.Class, m.Line}) }, func(string, *facts.Call) {})
	return out
}

// hasTableKeys reports whether a model with a table's name has its keys, too: the keys of a
// form or of an answer have few in common with the table.
func (b *Bound) hasTableKeys(m *facts.Model, n catalog.Name) bool {
	if b.Schema == nil {
		return false
	}
	table := b.Schema.Lookup(n.Schema, n.Name)
	if table == nil {
		return false
	}
	keys := 0
	for _, c := range table.Columns {
		if slices.ContainsFunc(m.Fields, func(f facts.Field) bool { return f.Field == c.Name }) {
			keys++
		}
	}
	const most = 4 // of five
	return keys > 1 && keys*5 >= len(table.Columns)*most && keys*5 >= len(m.Fields)*most
}
