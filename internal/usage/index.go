package usage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// File is a file of the code and what it says.
type File struct {
	Path  string
	Facts *Facts
	// Observed: it is a recording, and a server saw its queries.
	Observed bool
}

// Use is a place of the code that needs something of the schema.
type Use struct {
	Path  string
	Line  int
	How   How
	Grade Grade
	rank  int
}

// Index finds the facts of all files by the names in them.
type Index struct {
	files     []File
	relations map[string][]at // in queries, by their names
	columns   map[string][]at // in queries
	tables    map[string][]at // of models and calls, in lower case
	bases     map[string][]at // of classes that models may extend, as they are written
	structs   map[string][]at // of Go, of which no mapper is told, as they are written
	embedding map[string][]at // those of them that embed another one, as classes are
	classes   map[string][]at // of models that name no table, in lower case, without underscores
	functions map[string][]at
	types     map[string][]at
	constants map[string][]at
	strings   map[uint32][]at
	enums     map[string][]at // by their labels
	observed  map[string]bool // the files that are recordings
	texts     map[string][]constantAt
}

// at is a fact: its file, and its index there.
type at struct{ file, item, part int32 }

// NewIndex puts the facts of files together.
func NewIndex(files []File) *Index {
	x := &Index{
		files: files, relations: map[string][]at{}, columns: map[string][]at{}, tables: map[string][]at{}, classes: map[string][]at{}, bases: map[string][]at{},
		functions: map[string][]at{}, types: map[string][]at{}, constants: map[string][]at{}, strings: map[uint32][]at{},
		enums: map[string][]at{}, structs: map[string][]at{}, embedding: map[string][]at{},
		observed: map[string]bool{}, texts: constantsOf(files),
	}
	for i := range files {
		if files[i].Facts != nil {
			x.add(int32(i), files[i].Facts)
		}
		if files[i].Observed {
			x.observed[files[i].Path] = true
		}
	}
	return x
}

func (x *Index) add(file int32, f *Facts) {
	for q := range f.Queries {
		for k, r := range f.Queries[q].Relations {
			x.relations[r.Name] = append(x.relations[r.Name], at{file, int32(q), int32(k)})
		}
		for k, c := range f.Queries[q].Columns {
			x.columns[c.Name] = append(x.columns[c.Name], at{file, int32(q), int32(k)})
		}
		for k, r := range f.Queries[q].Functions {
			x.functions[r.Name] = append(x.functions[r.Name], at{file, int32(q), int32(k)})
		}
		for k, r := range f.Queries[q].Types {
			x.types[r.Name] = append(x.types[r.Name], at{file, int32(q), int32(k)})
		}
		for k, p := range f.Queries[q].Constants {
			x.constants[p.Text] = append(x.constants[p.Text], at{file, int32(q), int32(k)})
		}
	}
	for i, m := range f.Models {
		if m.Base || m.Table == "" || len(f.Structs) > 0 {
			x.bases[m.Class] = append(x.bases[m.Class], at{file, int32(i), isModel})
		}
		if m.Base {
			continue
		}
		if m.Table != "" {
			x.tables[strings.ToLower(m.Table)] = append(x.tables[strings.ToLower(m.Table)], at{file, int32(i), isModel})
		} else {
			x.classes[bare(m.Class)] = append(x.classes[bare(m.Class)], at{file, int32(i), isModel})
		}
	}
	x.addStructs(file, f)
	for i, c := range f.Calls {
		table := x.tableOf(x.files[file].Path, &c)
		table = table[strings.LastIndexByte(table, '.')+1:]
		if table == "" {
			continue
		}
		x.tables[strings.ToLower(table)] = append(x.tables[strings.ToLower(table)], at{file, int32(i), isCall})
	}
	for i := range f.Enums {
		for k, l := range f.Enums[i].Labels {
			x.enums[l.Name] = append(x.enums[l.Name], at{file, int32(i), int32(k)})
			if l.Text != l.Name && l.Text != "" {
				x.enums[l.Text] = append(x.enums[l.Text], at{file, int32(i), int32(k)})
			}
		}
	}
	for i, s := range f.Strings {
		x.strings[s.Mark] = append(x.strings[s.Mark], at{file, int32(i), 0})
	}
}

// What a fact of Index.tables is.
const (
	isModel = 0
	isCall  = 1
)

// Bound is an index bound to the schema of one database.
type Bound struct {
	*Index
	// Schema is that of the database; nil is not known.
	Schema *catalog.Catalog
	// Skip leaves files out, as those of other services; nil leaves none.
	Skip func(path string) bool
	// Class is that of a table whose name is in no spelling of it; "" is none.
	Class string
}

func (b *Bound) skips(file int32) bool { return b.Skip != nil && b.Skip(b.files[file].Path) }

// is reports whether a name in code, with its schema or without, is that of a relation.
func (b *Bound) is(schema, name string, n catalog.Name) bool {
	if name != n.Name || schema != "" && n.Schema != "" && schema != n.Schema {
		return false
	}
	if schema == "" && n.Schema != "" && n.Schema != "public" && b.Schema != nil {
		// What stands in the search path is meant, where there is one.
		if r := b.Schema.Lookup("", name); r != nil && r.Name != n {
			return false
		}
	}
	return true
}

// Ranks of evidence: what shows most comes first.
const (
	rankWrite = iota
	rankQuery
	rankCall
	rankRoutine // a function, which somebody has to call
	rankModel
	rankName
)

// naming calls f for the queries that name a relation, each time: i is which of the
// query's relations it is.
func (b *Bound) naming(n catalog.Name, f func(path string, q *Query, i int)) {
	for _, a := range b.relations[n.Name] {
		q := &b.files[a.file].Facts.Queries[a.item]
		if r := q.Relations[a.part]; b.is(r.Schema, r.Name, n) && !b.skips(a.file) && !b.kept(q) {
			f(b.files[a.file].Path, q, int(a.part))
		}
	}
}

// Relation gives the places that use a table, view or sequence.
func (b *Bound) Relation(n catalog.Name) []Use {
	var out []Use
	b.naming(n, func(path string, q *Query, i int) {
		r := q.Relations[i]
		rank := rankQuery
		switch {
		case q.Routine.Name != "":
			rank = rankRoutine
		case r.How == Inserts:
			rank = rankWrite
		}
		out = append(out, Use{path, r.Line, r.How, Parsed, rank})
	})
	b.mapped(n, func(path string, m *Model) {
		switch {
		case m.Put:
			out = append(out, Use{path, m.Line, Names, Parsed, rankModel})
		case !m.Row:
			out = append(out, Use{path, m.Line, Maps, Parsed, rankModel})
		}
	}, func(path string, c *Call) {
		rank := rankCall
		if c.How == Inserts {
			rank = rankWrite
		}
		out = append(out, Use{path, c.Line, c.How, Parsed, rank})
	})
	return b.ranked(out)
}

// mapped calls its functions for the models and calls of a table.
func (b *Bound) mapped(n catalog.Name, model func(string, *Model), call func(string, *Call)) {
	for _, a := range b.tables[strings.ToLower(n.Name)] {
		if b.skips(a.file) {
			continue
		}
		f := &b.files[a.file]
		if a.part == isCall {
			c := &f.Facts.Calls[a.item]
			if schema, _, ok := strings.Cut(c.Table, "."); !ok || n.Schema == "" || strings.EqualFold(schema, n.Schema) {
				call(f.Path, c)
			}
		} else if m := &f.Facts.Models[a.item]; m.Schema == "" || n.Schema == "" || strings.EqualFold(m.Schema, n.Schema) {
			model(f.Path, m)
		}
	}
	seen := map[string]bool{}
	for _, word := range append(TableWords(n.Name), b.Class) {
		if seen[bare(word)] {
			continue
		}
		seen[bare(word)] = true
		for _, a := range b.classes[bare(word)] {
			if !b.skips(a.file) {
				model(b.files[a.file].Path, &b.files[a.file].Facts.Models[a.item])
			}
		}
		b.embedded(bare(word), model)
	}
}

// Column gives the places that use a column.
func (b *Bound) Column(n catalog.Name, column string) []Use {
	var out []Use
	for _, a := range b.columns[column] {
		q := &b.files[a.file].Facts.Queries[a.item]
		c := &q.Columns[a.part]
		if b.means(q, c.Name, c.Of, n) && !b.skips(a.file) && !b.kept(q) {
			rank := rankQuery
			switch {
			case q.Routine.Name != "":
				rank = rankRoutine
			case c.How == Inserts || c.How == Updates:
				rank = rankWrite
			}
			out = append(out, Use{b.files[a.file].Path, c.Line, c.How, Parsed, rank})
		}
	}
	words := map[uint32]bool{}
	for _, s := range Spellings(column) {
		words[Mark(s)] = true
	}
	b.mapped(n, func(path string, m *Model) {
		path, line, told := b.columnOf(path, m, column, 0)
		if told && (!m.Row || b.shaped(m, n)) {
			out = append(out, Use{path, line, Maps, Parsed, rankModel})
		}
	}, func(path string, c *Call) {
		if i := slices.IndexFunc(c.Words, func(w Word) bool { return words[w.Mark] }); i >= 0 {
			out = append(out, Use{path, c.Words[i].Line, c.How, Parsed, rankCall})
		}
	})
	return b.ranked(out)
}

// column is where a model tells of a column.
func (m *Model) column(column string) (line int, told bool) {
	for _, f := range m.Fields {
		if f.Column == column || f.Column == "" && slices.Contains(Spellings(column), f.Field) {
			return f.Line, !f.Left
		}
	}
	return m.Line, m.All && !slices.ContainsFunc(m.Without, func(p Place) bool { return p.Name == column })
}

// Leaves gives the places that tell a mapper to leave a column alone.
func (b *Bound) Leaves(n catalog.Name, column string) []Use {
	var out []Use
	b.mapped(n, func(path string, m *Model) {
		for _, p := range m.Without {
			if p.Name == column {
				out = append(out, Use{path, p.Line, Maps, Parsed, rankModel})
			}
		}
		for _, f := range m.Fields {
			if f.Left && (f.Column == column || f.Column == "" && slices.Contains(Spellings(column), f.Field)) {
				out = append(out, Use{path, f.Line, Maps, Parsed, rankModel})
			}
		}
	}, func(string, *Call) {})
	return out
}

// means reports whether a name in a query is a column of a relation, which has one of
// that name: the innermost query that has such a column means its own.
func (b *Bound) means(q *Query, column string, sources []int, n catalog.Name) bool {
	other := false
	for _, of := range sources {
		switch {
		case of == NextLevel:
			if other {
				return false
			}
		case of == OtherSource:
		case b.is(q.Relations[of].Schema, q.Relations[of].Name, n):
			return true
		default:
			other = other || b.has(q.Relations[of], column)
		}
	}
	return false
}

// has reports whether the schema knows a relation with a column.
func (b *Bound) has(r Relation, column string) bool {
	if b.Schema == nil {
		return false
	}
	found := b.Schema.Lookup(r.Schema, r.Name)
	return found != nil && found.Column(column) != nil
}

// ranked sorts uses, the best first, and leaves out what stands in one line twice.
func (x *Index) ranked(list []Use) []Use {
	for i := range list {
		if x.observed[list[i].Path] {
			list[i].Grade = Observed
		}
	}
	slices.SortStableFunc(list, func(a, b Use) int {
		return cmp.Or(int(b.Grade)-int(a.Grade), a.rank-b.rank, strings.Compare(a.Path, b.Path), a.Line-b.Line)
	})
	seen := map[at]bool{}
	path := map[string]int32{}
	return slices.DeleteFunc(list, func(u Use) bool {
		n, ok := path[u.Path]
		if !ok {
			n = int32(len(path))
			path[u.Path] = n
		}
		k := at{n, int32(u.Line), 0}
		if seen[k] {
			return true
		}
		seen[k] = true
		return false
	})
}
