package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/code/facts"
)

// Function returns the calls of a function.
func (b *Bound) Function(n catalog.Name) []Use {
	return b.findCalls(n, func(*facts.FunctionCall) bool { return true })
}

// FindCalls returns the calls that surely mean a function of the schema, with some numbers of arguments, which are the bits of args. With all
// bits, calls with an unknown number are among them.
func (b *Bound) FindCalls(n catalog.Name, args uint64) []Use {
	builtIn := builtin.Known(n.Name)
	return b.findCalls(n, func(c *facts.FunctionCall) bool {
		return (args == ^uint64(0) || c.Args > 0 && c.Args <= 64 && args&(1<<(c.Args-1)) != 0) && (c.Schema != "" || !builtIn)
	})
}

func (b *Bound) findCalls(n catalog.Name, isMeant func(*facts.FunctionCall) bool) []Use {
	return b.findObjectUses(b.functions[n.Name], n, func(q *facts.Query, i int32) (facts.Relation, bool) {
		c := &q.Functions[i]
		return c.Relation, isMeant(c) && (c.Schema != "" || b.Schema == nil || !isInOtherSchema(b.Schema.Functions("", n.Name), n))
	})
}

// isInOtherSchema reports whether a name without a schema means the functions of another schema.
func isInOtherSchema(found []*catalog.Function, n catalog.Name) bool {
	return n.Schema != "" && len(found) > 0 && found[0].Name != n
}

// FindNamed returns the places that name a collation, or a text search configuration.
func (b *Bound) FindNamed(kind string, n catalog.Name) []Use {
	list, names := b.collations[n.Name], func(q *facts.Query) []facts.Relation { return q.Collations }
	if kind == "text search configuration" {
		list, names = b.textSearches[n.Name], func(q *facts.Query) []facts.Relation { return q.TextSearches }
	}
	return b.findObjectUses(list, n, func(q *facts.Query, i int32) (facts.Relation, bool) {
		r := names(q)[i]
		return r, r.Schema != "" || b.Schema == nil || !b.Schema.IsHidden(kind, n)
	})
}

// Type returns the places that name a type.
func (b *Bound) Type(n catalog.Name) []Use {
	out := b.findObjectUses(b.types[n.Name], n, func(q *facts.Query, i int32) (facts.Relation, bool) {
		r := q.Types[i]
		if r.Schema != "" || b.Schema == nil || n.Schema == "" {
			return r, true
		}
		found := b.Schema.LookupType("", n.Name)
		return r, found == nil || found.Name == n
	})
	b.eachFile(func(f *File) {
		for _, t := range f.Facts.Types {
			if t.Name == n.Name {
				out = append(out, Use{f.Path, t.Line, facts.Maps, facts.Parsed, rankModel})
			}
		}
	})
	return b.rankUses(out)
}

func (b *Bound) findObjectUses(list []factPlace, n catalog.Name, find func(*facts.Query, int32) (facts.Relation, bool)) []Use {
	var out []Use
	for _, a := range list {
		r, ok := find(&b.files[a.file].Facts.Queries[a.item], a.part)
		if ok && (r.Schema == "" || n.Schema == "" || r.Schema == n.Schema) && !b.isSkipped(a.file) {
			out = append(out, Use{b.files[a.file].Path, r.Line, facts.Reads, facts.Parsed, rankQuery})
		}
	}
	return b.rankUses(out)
}

// Constraint returns the places that name a constraint: ON CONFLICT ON CONSTRAINT, SET
// CONSTRAINTS.
func (b *Bound) Constraint(name string) []Use {
	var out []Use
	for f := range b.filesWithFacts() {
		for _, q := range f.Facts.Queries {
			for _, c := range q.Constraints {
				if c.Name == name {
					out = append(out, Use{f.Path, c.Line, facts.Reads, facts.Parsed, rankQuery})
				}
			}
		}
	}
	return b.rankUses(out)
}

// takeNames are prefixes of server functions that read a text as a name:
// has_table_privilege, set_config of the search path.
var takeNames = []string{"to_reg", "has_", "set_config", "pg_get_"}

// FindSpelled returns the queries that have an object's name as a text which the server reads
// as a name: 'f'::regproc, pg_proc.proname = 'f'.
func (b *Bound) FindSpelled(n catalog.Name) []Use {
	takesName := func(q *facts.Query, c *facts.Constant) bool {
		takes := func(prefix string) bool { return strings.HasPrefix(c.Function, prefix) }
		return strings.HasPrefix(c.Type, "reg") || slices.ContainsFunc(takeNames, takes) || slices.ContainsFunc(c.Of, func(sourceIndex int) bool {
			return sourceIndex >= 0 && (strings.HasPrefix(q.Relations[sourceIndex].Name, "pg_") || q.Relations[sourceIndex].Schema == "information_schema")
		})
	}
	out := b.findConstantUses(n.Name, takesName)
	if n.Schema != "" {
		out = append(out, b.findConstantUses(n.Schema+"."+n.Name, takesName)...)
	}
	return b.rankUses(out)
}

// InSchema returns the queries that name a schema.
func (b *Bound) InSchema(schema string) []Use {
	var out []Use
	for f := range b.filesWithFacts() {
		for _, q := range f.Facts.Queries {
			names := slices.Concat(q.Relations, q.Types, q.Collations, q.TextSearches)
			for _, c := range q.Functions {
				names = append(names, c.Relation)
			}
			for _, r := range names {
				if r.Schema == schema {
					out = append(out, Use{f.Path, r.Line, r.How, facts.Parsed, rankQuery})
				}
			}
		}
		for _, m := range f.Facts.Models {
			if m.Schema == schema {
				out = append(out, Use{f.Path, m.Line, facts.Maps, facts.Parsed, rankModel})
			}
		}
	}
	return b.rankUses(out)
}
