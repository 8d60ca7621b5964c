// Package index combines the facts of all files with a schema, and answers which code needs a relation, a column, a function
// or another object. The answers have positions in the code, the best evidence first.
package index

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// File is a file of the code and its facts.
type File struct {
	Path  string
	Facts *facts.Facts
	// Observed is set if it is a recording, whose queries a server saw.
	Observed bool
}

// Use is a place in the code that needs something from the schema.
type Use struct {
	Path  string
	Line  int
	How   facts.How
	Grade facts.Grade
	rank  int
}

// Index finds the facts of all files by the names in them.
type Index struct {
	files     []File
	relations map[string][]factPlace // in queries, by their names
	columns   map[string][]factPlace // in queries
	tables    map[string][]factPlace // of models and calls, in lower case
	bases     map[string][]factPlace // of classes that models may extend, as they are written
	structs   map[string][]factPlace // of Go, not declared to a mapper, as they are written
	embedding map[string][]factPlace // structs that embed another one, by its class
	classes   map[string][]factPlace // of models that name no table, in lower case, without underscores
	functions map[string][]factPlace
	types     map[string][]factPlace
	// collations and textSearches are the places that name a collation or a text search configuration.
	collations, textSearches map[string][]factPlace
	constants                map[string][]factPlace
	strings                  map[uint32][]factPlace
	enums                    map[string][]factPlace // by their labels
	observed                 map[string]bool        // the files that are recordings
	texts                    map[string][]constantAt
	phpTables                map[string]string // of Eloquent's models, by the full names of their classes
}

// factPlace identifies a fact: its file, and its index there.
type factPlace struct{ file, item, part int32 }

// NewIndex combines the facts of files.
func NewIndex(files []File) *Index {
	x := &Index{
		files: slices.Clone(files), relations: map[string][]factPlace{}, columns: map[string][]factPlace{}, tables: map[string][]factPlace{}, classes: map[string][]factPlace{}, bases: map[string][]factPlace{},
		collations: map[string][]factPlace{}, textSearches: map[string][]factPlace{},
		functions: map[string][]factPlace{}, types: map[string][]factPlace{}, constants: map[string][]factPlace{}, strings: map[uint32][]factPlace{},
		enums: map[string][]factPlace{}, structs: map[string][]factPlace{}, embedding: map[string][]factPlace{},
		observed: map[string]bool{}, texts: constantsOf(files),
	}
	for i := range files {
		if files[i].Facts != nil {
			x.files[i].Facts = x.resolveConstants(files[i].Path, files[i].Facts)
		}
		if files[i].Observed {
			x.observed[files[i].Path] = true
		}
	}
	x.resolveRubyTables()
	x.addEloquentModels()
	x.relocateSnapshotEntities()
	x.resolveInheritedTables()
	for i := range x.files {
		if x.files[i].Facts != nil {
			x.addFile(int32(i), x.files[i].Facts)
		}
	}
	return x
}

func (x *Index) addFile(file int32, f *facts.Facts) {
	for q := range f.Queries {
		for k, r := range f.Queries[q].Relations {
			x.relations[r.Name] = append(x.relations[r.Name], factPlace{file, int32(q), int32(k)})
		}
		for k, c := range f.Queries[q].Columns {
			x.columns[c.Name] = append(x.columns[c.Name], factPlace{file, int32(q), int32(k)})
		}
		for k, r := range f.Queries[q].TextSearches {
			x.textSearches[r.Name] = append(x.textSearches[r.Name], factPlace{file, int32(q), int32(k)})
		}
		for k, r := range f.Queries[q].Collations {
			x.collations[r.Name] = append(x.collations[r.Name], factPlace{file, int32(q), int32(k)})
		}
		for k, r := range f.Queries[q].Functions {
			x.functions[r.Name] = append(x.functions[r.Name], factPlace{file, int32(q), int32(k)})
		}
		for k, r := range f.Queries[q].Types {
			x.types[r.Name] = append(x.types[r.Name], factPlace{file, int32(q), int32(k)})
		}
		for k, p := range f.Queries[q].Constants {
			x.constants[p.Text] = append(x.constants[p.Text], factPlace{file, int32(q), int32(k)})
		}
	}
	for i, m := range f.Models {
		if m.Base || m.Table == "" || len(f.Structs) > 0 {
			x.bases[m.Class] = append(x.bases[m.Class], factPlace{file, int32(i), isModel})
		}
		if m.Base {
			continue
		}
		if m.Table != "" {
			x.tables[strings.ToLower(m.Table)] = append(x.tables[strings.ToLower(m.Table)], factPlace{file, int32(i), isModel})
		} else {
			x.classes[facts.NormalizeName(m.Class)] = append(x.classes[facts.NormalizeName(m.Class)], factPlace{file, int32(i), isModel})
		}
	}
	x.addStructs(file, f)
	for i, c := range f.Calls {
		table := x.tableOf(x.files[file].Path, &c)
		table = table[strings.LastIndexByte(table, '.')+1:]
		if table == "" {
			continue
		}
		x.tables[strings.ToLower(table)] = append(x.tables[strings.ToLower(table)], factPlace{file, int32(i), isCall})
	}
	for i := range f.Enums {
		for k, l := range f.Enums[i].Labels {
			x.enums[l.Name] = append(x.enums[l.Name], factPlace{file, int32(i), int32(k)})
			if l.Text != l.Name && l.Text != "" {
				x.enums[l.Text] = append(x.enums[l.Text], factPlace{file, int32(i), int32(k)})
			}
		}
	}
	for i, s := range f.Strings {
		x.strings[s.Mark] = append(x.strings[s.Mark], factPlace{file, int32(i), 0})
	}
}

// The kind of a fact in Index.tables.
const (
	isModel = 0
	isCall  = 1
)

// Bound is an index bound to the schema of one database.
type Bound struct {
	*Index
	// Schema is the database's schema; nil if it is not known.
	Schema *catalog.Catalog
	// Skip excludes files, such as files of other services; nil excludes none.
	Skip func(path string) bool
	// Class is a table's class if its name is no spelling of the table's name; "" if
	// there is none.
	Class string
}

func (b *Bound) isSkipped(file int32) bool { return b.Skip != nil && b.Skip(b.files[file].Path) }

// meansRelation reports whether a name in code, with or without its schema, means a relation.
func (b *Bound) meansRelation(schema, name string, n catalog.Name) bool {
	if name != n.Name || schema != "" && n.Schema != "" && schema != n.Schema {
		return false
	}
	if schema == "" && n.Schema != "" && n.Schema != "public" && b.Schema != nil {
		// If the search path has a relation of this name, that one is meant.
		if r := b.Schema.Lookup("", name); r != nil && r.Name != n {
			return false
		}
	}
	return true
}

// Ranks of evidence: the strongest is first.
const (
	rankWrite = iota
	rankQuery
	rankCall
	rankRoutine // a function, which needs a caller
	rankModel
	rankName
)

// eachNamingQuery calls f for the queries that name a relation, each time: i is the index of the
// relation in the query.
func (b *Bound) eachNamingQuery(n catalog.Name, f func(path string, q *facts.Query, i int)) {
	for _, a := range b.relations[n.Name] {
		q := &b.files[a.file].Facts.Queries[a.item]
		if r := q.Relations[a.part]; b.meansRelation(r.Schema, r.Name, n) && !b.isSkipped(a.file) && !b.isKnownRoutine(q) {
			f(b.files[a.file].Path, q, int(a.part))
		}
	}
}

// Relation returns the places that use a table, view or sequence.
func (b *Bound) Relation(n catalog.Name) []Use {
	var out []Use
	b.eachNamingQuery(n, func(path string, q *facts.Query, i int) {
		r := q.Relations[i]
		rank := rankQuery
		switch {
		case q.Routine.Name != "":
			rank = rankRoutine
		case r.How == facts.Inserts:
			rank = rankWrite
		}
		out = append(out, Use{path, r.Line, r.How, facts.Parsed, rank})
	})
	b.eachModelOrCall(n, func(path string, m *facts.Model) {
		switch {
		case m.Put:
			out = append(out, Use{path, m.Line, facts.Names, facts.Parsed, rankModel})
		case !m.Row:
			out = append(out, Use{path, m.Line, facts.Maps, facts.Parsed, rankModel})
		}
	}, func(path string, c *facts.Call) {
		rank := rankCall
		if c.How == facts.Inserts {
			rank = rankWrite
		}
		out = append(out, Use{path, c.Line, c.How, facts.Parsed, rank})
	})
	return b.rankUses(out)
}

// eachModelOrCall calls its functions for a table's models and calls.
func (b *Bound) eachModelOrCall(n catalog.Name, model func(string, *facts.Model), call func(string, *facts.Call)) {
	for _, a := range b.tables[strings.ToLower(n.Name)] {
		if b.isSkipped(a.file) {
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
	for _, word := range append(facts.TableWords(n.Name), b.Class) {
		if seen[facts.NormalizeName(word)] {
			continue
		}
		seen[facts.NormalizeName(word)] = true
		for _, a := range b.classes[facts.NormalizeName(word)] {
			if !b.isSkipped(a.file) {
				model(b.files[a.file].Path, &b.files[a.file].Facts.Models[a.item])
			}
		}
		b.eachEmbedded(facts.NormalizeName(word), model)
	}
}

// Column returns the places that use a column.
func (b *Bound) Column(n catalog.Name, column string) []Use {
	var out []Use
	for _, a := range b.columns[column] {
		q := &b.files[a.file].Facts.Queries[a.item]
		c := &q.Columns[a.part]
		if b.meansColumn(q, c.Name, c.Of, n) && !b.isSkipped(a.file) && !b.isKnownRoutine(q) {
			rank := rankQuery
			switch {
			case q.Routine.Name != "":
				rank = rankRoutine
			case c.How == facts.Inserts || c.How == facts.Updates:
				rank = rankWrite
			}
			out = append(out, Use{b.files[a.file].Path, c.Line, c.How, facts.Parsed, rank})
		}
	}
	words := map[uint32]bool{}
	for _, s := range facts.Spellings(column) {
		words[facts.HashText(s)] = true
	}
	b.eachModelOrCall(n, func(path string, m *facts.Model) {
		path, line, found := b.locateColumn(path, m, column, 0)
		if found && (!m.Row || b.hasTableKeys(m, n)) {
			out = append(out, Use{path, line, facts.Maps, facts.Parsed, rankModel})
		}
	}, func(path string, c *facts.Call) {
		if i := slices.IndexFunc(c.Words, func(w facts.Word) bool { return words[w.Mark] }); i >= 0 {
			out = append(out, Use{path, c.Words[i].Line, c.How, facts.Parsed, rankCall})
		}
	})
	return b.rankUses(out)
}

// FindIgnored returns the places that configure a mapper to ignore a column.
func (b *Bound) FindIgnored(n catalog.Name, column string) []Use {
	var out []Use
	b.eachModelOrCall(n, func(path string, m *facts.Model) {
		for _, p := range m.Without {
			if p.Name == column {
				out = append(out, Use{path, p.Line, facts.Maps, facts.Parsed, rankModel})
			}
		}
		for _, f := range m.Fields {
			if f.Left && (f.Column == column || f.Column == "" && slices.Contains(facts.Spellings(column), f.Field)) {
				out = append(out, Use{path, f.Line, facts.Maps, facts.Parsed, rankModel})
			}
		}
	}, func(string, *facts.Call) {})
	return out
}

// meansColumn reports whether a name in a query is a column of a relation that has such a
// column. The innermost query with a column of this name wins.
func (b *Bound) meansColumn(q *facts.Query, column string, sources []int, n catalog.Name) bool {
	other := false
	for _, sourceIndex := range sources {
		switch {
		case sourceIndex == facts.NextLevel:
			if other {
				return false
			}
		case sourceIndex == facts.OtherSource:
		case b.meansRelation(q.Relations[sourceIndex].Schema, q.Relations[sourceIndex].Name, n):
			return true
		default:
			other = other || b.relationHasColumn(q.Relations[sourceIndex], column)
		}
	}
	return false
}

// relationHasColumn reports whether the schema knows a relation with a column.
func (b *Bound) relationHasColumn(r facts.Relation, column string) bool {
	if b.Schema == nil {
		return false
	}
	found := b.Schema.Lookup(r.Schema, r.Name)
	return found != nil && found.Column(column) != nil
}

// rankUses sorts uses, the best first, and removes duplicates in one line.
func (x *Index) rankUses(list []Use) []Use {
	for i := range list {
		if x.observed[list[i].Path] {
			list[i].Grade = facts.Observed
		}
	}
	slices.SortStableFunc(list, func(a, b Use) int {
		return cmp.Or(int(b.Grade)-int(a.Grade), a.rank-b.rank, strings.Compare(a.Path, b.Path), a.Line-b.Line)
	})
	seen := map[factPlace]bool{}
	path := map[string]int32{}
	return slices.DeleteFunc(list, func(u Use) bool {
		n, ok := path[u.Path]
		if !ok {
			n = int32(len(path))
			path[u.Path] = n
		}
		k := factPlace{n, int32(u.Line), 0}
		if seen[k] {
			return true
		}
		seen[k] = true
		return false
	})
}
