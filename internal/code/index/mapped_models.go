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
	// Columns are the columns that the mapper names, in the table's order: none if it names those that the server lists, and the code does not say which.
	Columns []string
}

// Mapped returns the models of a table that code declares to a mapper, sorted by position:
// not the shapes of rows that other queries return.
func (b *Bound) Mapped(r *catalog.Relation) []Mapped {
	var out []Mapped
	b.eachModelOrCall(r.Name, func(path string, m *facts.Model) {
		if m.Row || m.Put || m.Base || m.Guessed {
			return
		}
		x := Mapped{Path: path, Line: m.Line}
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
