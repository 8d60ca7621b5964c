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

// Writes gives what queries write to a relation, in the order of the files; what
// functions write comes last.
func (b *Bound) Writes(n catalog.Name) []Written {
	var out, routines []Written
	b.naming(n, func(path string, q *Query, i int) {
		for _, w := range q.Writes {
			switch {
			case w.Relation != i:
			case q.Routine.Name != "":
				routines = append(routines, Written{w, path})
			default:
				out = append(out, Written{w, path})
			}
		}
	})
	b.mapped(n, func(string, *Model) {}, func(path string, c *Call) {
		if c.How != Reads {
			out = append(out, Written{Write{How: c.How, Line: c.Line, Listed: c.How == Copies && !c.byOrder()}, path})
		}
	})
	return append(out, routines...)
}

// byOrder reports whether psycopg's copy_from has no columns. Other clients always name
// them.
func (c *Call) byOrder() bool {
	has := func(word string) bool {
		return slices.ContainsFunc(c.Words, func(w Word) bool { return w.Mark == Mark(word) })
	}
	return has("copy_from") && !has("columns")
}

// All reports whether a query takes all columns of a relation at once.
func (b *Bound) All(n catalog.Name) bool {
	return slices.ContainsFunc(b.columns[AllColumns], func(a at) bool {
		q := &b.files[a.file].Facts.Queries[a.item]
		return !b.skips(a.file) && !b.kept(q) && slices.ContainsFunc(q.Columns[a.part].Of, func(of int) bool {
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

// PutColumn gives the queries of such files which name a column that may be of what the
// program puts in.
func (b *Bound) PutColumn(n catalog.Name, column string) []Use {
	puts := b.Puts(n)
	if len(puts) == 0 {
		return nil
	}
	var out []Use
	for _, a := range b.columns[column] {
		f := &b.files[a.file]
		q := &f.Facts.Queries[a.item]
		if c := &q.Columns[a.part]; puts[f.Path] && !b.skips(a.file) && b.mayBePut(q, c) {
			out = append(out, Use{f.Path, c.Line, c.How, Named, rankName})
		}
	}
	return b.ranked(out)
}

// mayBePut reports whether a name in a query may be a column of what is put in: no
// relation of the schema that is nearer has it.
func (b *Bound) mayBePut(q *Query, c *Column) bool {
	other := false
	for _, of := range c.Of {
		switch {
		case of == NextLevel && other:
			return false
		case of == OtherSource:
			return true
		case of >= 0:
			other = other || b.has(q.Relations[of], c.Name)
		}
	}
	return false
}

// Function gives the calls of a function.
func (b *Bound) Function(n catalog.Name) []Use {
	return b.objects(b.functions[n.Name], n, func(q *Query, i int32) Relation { return q.Functions[i] })
}

// Type gives the places that name a type.
func (b *Bound) Type(n catalog.Name) []Use {
	out := b.objects(b.types[n.Name], n, func(q *Query, i int32) Relation { return q.Types[i] })
	b.eachFile(func(f *File) {
		for _, t := range f.Facts.Types {
			if t.Name == n.Name {
				out = append(out, Use{f.Path, t.Line, Maps, Parsed, rankModel})
			}
		}
	})
	return b.ranked(out)
}

func (b *Bound) objects(list []at, n catalog.Name, of func(*Query, int32) Relation) []Use {
	var out []Use
	for _, a := range list {
		r := of(&b.files[a.file].Facts.Queries[a.item], a.part)
		if (r.Schema == "" || n.Schema == "" || r.Schema == n.Schema) && !b.skips(a.file) {
			out = append(out, Use{b.files[a.file].Path, r.Line, Reads, Parsed, rankQuery})
		}
	}
	return b.ranked(out)
}

// Constraint gives the places that ask for a constraint by its name: ON CONFLICT ON
// CONSTRAINT, SET CONSTRAINTS.
func (b *Bound) Constraint(name string) []Use {
	var out []Use
	for i := range b.files {
		if b.files[i].Facts == nil || b.skips(int32(i)) {
			continue
		}
		for _, q := range b.files[i].Facts.Queries {
			for _, c := range q.Constraints {
				if c.Name == name {
					out = append(out, Use{b.files[i].Path, c.Line, Reads, Parsed, rankQuery})
				}
			}
		}
	}
	return b.ranked(out)
}

// takeNames are what functions of the server begin with that read a text as a name:
// has_table_privilege, set_config of the search path.
var takeNames = []string{"to_reg", "has_", "set_config", "pg_get_"}

// Spelled gives the queries that have the name of something as a text which the server
// reads as one: 'f'::regproc, pg_proc.proname = 'f'.
func (b *Bound) Spelled(n catalog.Name) []Use {
	is := func(q *Query, c *Constant) bool {
		takes := func(prefix string) bool { return strings.HasPrefix(c.Function, prefix) }
		return strings.HasPrefix(c.Type, "reg") || slices.ContainsFunc(takeNames, takes) || slices.ContainsFunc(c.Of, func(of int) bool {
			return of >= 0 && (strings.HasPrefix(q.Relations[of].Name, "pg_") || q.Relations[of].Schema == "information_schema")
		})
	}
	out := b.constant(n.Name, is)
	if n.Schema != "" {
		out = append(out, b.constant(n.Schema+"."+n.Name, is)...)
	}
	return b.ranked(out)
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
	return b.ranked(out)
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
	return b.ranked(out)
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
	return b.ranked(append(uses, b.String(name)...)), unknown
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
