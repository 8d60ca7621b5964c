package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// Written is what a query of the code writes to a relation.
type Written struct {
	Write
	Path string
}

// Writes gives what queries write to a relation, in the order of the files.
func (b *Bound) Writes(n catalog.Name) []Written {
	var out []Written
	for _, a := range b.relations[n.Name] {
		q := &b.files[a.file].Facts.Queries[a.item]
		if r := q.Relations[a.part]; !b.is(r.Schema, r.Name, n) || b.skips(a.file) {
			continue
		}
		for _, w := range q.Writes {
			if w.Relation == int(a.part) {
				out = append(out, Written{w, b.files[a.file].Path})
			}
		}
	}
	b.mapped(n, func(string, *Model) {}, func(path string, c *Call) {
		if c.How != Reads {
			out = append(out, Written{Write{How: c.How, Line: c.Line}, path})
		}
	})
	return out
}

// All reports whether a query takes all columns of a relation at once.
func (b *Bound) All(n catalog.Name) bool {
	return slices.ContainsFunc(b.columns[AllColumns], func(a at) bool {
		q := &b.files[a.file].Facts.Queries[a.item]
		return !b.skips(a.file) && slices.ContainsFunc(q.Columns[a.part].Of, func(of int) bool {
			return of >= 0 && b.is(q.Relations[of].Schema, q.Relations[of].Name, n)
		})
	})
}

// Works gives the files that work on a relation: those that use it.
func (b *Bound) Works(n catalog.Name) map[string]bool {
	out := map[string]bool{}
	for _, u := range b.Relation(n) {
		out[u.Path] = true
	}
	b.mapped(n, func(path string, _ *Model) { out[path] = true }, func(string, *Call) {})
	return out
}

// Puts gives the files that put the name of a relation into SQL: what their queries
// say may be of it.
func (b *Bound) Puts(n catalog.Name) map[string]bool {
	out := map[string]bool{}
	b.mapped(n, func(path string, m *Model) {
		if m.Put {
			out[path] = true
		}
	}, func(string, *Call) {})
	return out
}

// Function gives the calls of a function.
func (b *Bound) Function(n catalog.Name) []Use {
	return b.objects(b.functions[n.Name], n, func(q *Query, i int32) Relation { return q.Functions[i] })
}

// Type gives the places that name a type.
func (b *Bound) Type(n catalog.Name) []Use {
	return b.objects(b.types[n.Name], n, func(q *Query, i int32) Relation { return q.Types[i] })
}

func (b *Bound) objects(list []at, n catalog.Name, of func(*Query, int32) Relation) []Use {
	var out []Use
	for _, a := range list {
		r := of(&b.files[a.file].Facts.Queries[a.item], a.part)
		if (r.Schema == "" || n.Schema == "" || r.Schema == n.Schema) && !b.skips(a.file) {
			out = append(out, Use{b.files[a.file].Path, r.Line, Reads, Parsed, rankQuery})
		}
	}
	return ranked(out)
}

// Constant gives the queries that have a text as a constant, or as the name of a
// constraint that INSERT … ON CONFLICT asks for.
func (b *Bound) Constant(text string) []Use {
	var out []Use
	for _, a := range b.constants[text] {
		if !b.skips(a.file) {
			out = append(out, Use{b.files[a.file].Path, b.files[a.file].Facts.Queries[a.item].Constants[a.part].Line, Reads, Parsed, rankQuery})
		}
	}
	return ranked(out)
}

// InSchema gives the queries that name a schema.
func (b *Bound) InSchema(schema string) []Use {
	var out []Use
	for i := range b.files {
		if b.files[i].Facts == nil || b.skips(int32(i)) {
			continue
		}
		for _, q := range b.files[i].Facts.Queries {
			for _, list := range [][]Relation{q.Relations, q.Functions, q.Types} {
				for _, r := range list {
					if r.Schema == schema {
						out = append(out, Use{b.files[i].Path, r.Line, r.How, Parsed, rankQuery})
					}
				}
			}
		}
		for _, m := range b.files[i].Facts.Models {
			if m.Schema == schema {
				out = append(out, Use{b.files[i].Path, m.Line, Maps, Parsed, rankModel})
			}
		}
	}
	return ranked(out)
}

// String gives the places that have a text in quotation marks, and nothing else in
// them.
func (b *Bound) String(text string) []Use {
	var out []Use
	for _, a := range b.strings[Mark(text)] {
		if !b.skips(a.file) {
			out = append(out, Use{b.files[a.file].Path, b.files[a.file].Facts.Strings[a.item].Line, Names, Named, rankName})
		}
	}
	return ranked(out)
}

// Setting gives the places that set a setting of a session. unknown says that code
// puts the name of one together.
func (b *Bound) Setting(name string) (uses []Use, unknown bool) {
	for i := range b.files {
		if b.files[i].Facts == nil || b.skips(int32(i)) {
			continue
		}
		for _, p := range b.files[i].Facts.Settings {
			switch {
			case p.Name == name:
				uses = append(uses, Use{b.files[i].Path, p.Line, Updates, Parsed, rankQuery})
			case p.Name == "" || hole(p.Name):
				unknown = true
			}
		}
	}
	return ranked(append(uses, b.String(name)...)), unknown
}

// Compares reports whether queries compare whole rows: DISTINCT, GROUP BY, UNION.
func (b *Bound) Compares(n catalog.Name) []Use {
	var out []Use
	for _, a := range b.relations[n.Name] {
		q := &b.files[a.file].Facts.Queries[a.item]
		if r := q.Relations[a.part]; q.Compares && b.is(r.Schema, r.Name, n) && !b.skips(a.file) {
			out = append(out, Use{b.files[a.file].Path, r.Line, Reads, Parsed, rankQuery})
		}
	}
	return ranked(out)
}

// Empty reports whether nothing in the code works on the database: no query, call or
// model is of a relation that the schema has, nor of one that it may not know.
func (b *Bound) Empty() bool {
	for name := range b.relations {
		if !strings.HasPrefix(name, "pg_") && slices.ContainsFunc(b.relations[name], func(a at) bool {
			return b.files[a.file].Facts.Queries[a.item].Relations[a.part].Schema != "information_schema"
		}) {
			return false
		}
	}
	empty := true
	if b.Schema != nil {
		b.Schema.Relations(func(r *catalog.Relation) bool {
			b.mapped(r.Name, func(_ string, m *Model) { empty = empty && m.Row }, func(string, *Call) { empty = false })
			return empty
		})
	}
	return empty
}

// Upserting gives the files that say ON CONFLICT, in SQL or in the words of a mapper,
// and the lines.
func (x *Index) Upserting(f func(path string, line int)) {
	for i := range x.files {
		if x.files[i].Facts != nil {
			for _, line := range x.files[i].Facts.Upserts {
				f(x.files[i].Path, line)
			}
		}
	}
}
