package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/code/facts"
)

// UpsertOn is a target of ON CONFLICT: columns of a relation, or a constraint.
type UpsertOn struct {
	Name       catalog.Name
	Columns    []string
	Constraint string
	// Any matches every target that needs an index.
	Any bool
	// Partial is set if the index has a condition, so ON CONFLICT needs one, too.
	Partial bool
	// Fields maps the fields of each class of the table to columns.
	Fields map[string]map[string]string
}

// match says whether an upsert in the code has the target in question.
type match int

const (
	differs match = iota
	// perhaps: the code spells out neither what differs nor what is the same.
	perhaps
	// atRunTime is perhaps for a query whose target the program builds.
	atRunTime
	same
)

// FindUpserts returns the places with ON CONFLICT on this target: those that spell it out, and those that may mean it. Within possible,
// targets that the program builds at run time follow other queries. The calls of mappers are last in both.
func (b *Bound) FindUpserts(target UpsertOn) (spelled, possible []Use) {
	target.Columns = sortLower(target.Columns)
	var built []Use
	writesSQL := false // the program spells out the SQL of upserts
	b.eachFile(func(f *File) {
		for i := range f.Facts.Queries {
			q := &f.Facts.Queries[i]
			for k := range q.Upserts {
				u := &q.Upserts[k]
				writesSQL = writesSQL || u.Relation >= 0
				use := Use{f.Path, u.Line, facts.Inserts, facts.Parsed, rankWrite}
				switch b.matchQuery(q, u, &target) {
				case same:
					spelled = append(spelled, use)
				case perhaps:
					possible = append(possible, use)
				case atRunTime:
					built = append(built, use)
				}
			}
		}
	})
	sure, maybe := b.findMapperUpserts(&target, writesSQL)
	return b.rankUses(append(spelled, sure...)), slices.Concat(possible, built, maybe)
}

// matchQuery compares ON CONFLICT in a query with the target.
func (b *Bound) matchQuery(q *facts.Query, u *facts.Upsert, target *UpsertOn) match {
	onTable := u.Relation >= 0 && b.meansRelation(q.Relations[u.Relation].Schema, q.Relations[u.Relation].Name, target.Name)
	switch {
	case target.Partial && !u.Where && u.Constraint == "": // it does not use an index with a condition
		return differs
	case u.Relation >= 0 && !onTable:
		return differs
	case u.Open:
		return atRunTime
	case !target.matchesTarget(&u.Target):
		return differs
	case onTable:
		return same
	}
	return perhaps
}

// findMapperUpserts returns the calls of mappers that send ON CONFLICT on this target, surely or perhaps: one of the second kind for each file.
func (b *Bound) findMapperUpserts(target *UpsertOn, writesSQL bool) (sure, maybe []Use) {
	words := map[uint32]bool{}
	for _, w := range facts.TableWords(target.Name.Name) {
		words[facts.HashText(w)] = true
	}
	usesTable := b.FilesUsing(target.Name)
	b.eachFile(func(f *File) {
		listed := false
		for i := range f.Facts.Upserts {
			u := &f.Facts.Upserts[i]
			use := Use{f.Path, u.Line, facts.Inserts, facts.Parsed, rankCall}
			switch b.matchCall(u, target, writesSQL) {
			case same:
				sure = append(sure, use)
			case perhaps:
				if !listed && (usesTable[f.Path] || slices.ContainsFunc(u.Words, func(w uint32) bool { return words[w] })) {
					maybe, listed = append(maybe, use), true
				}
			}
		}
	})
	return sure, maybe
}

// matchCall compares the call of a mapper with the target. Functions called Upsert are the program's own if it writes the SQL of upserts.
func (b *Bound) matchCall(u *facts.MapperUpsert, target *UpsertOn, writesSQL bool) match {
	switch {
	case u.Fields:
		if columns := target.Fields[u.Model]; columns != nil && !target.Partial && target.matchesTarget(withFields(u, columns)) {
			return same
		}
		return differs
	case u.Table != "" && !u.Open && !target.Partial:
		if b.meansRelation("", u.Table, target.Name) && target.matchesTarget(&u.Target) {
			return same
		}
		return differs
	case u.Table != "" && !strings.EqualFold(u.Table, target.Name.Name):
		return differs
	case u.Own && writesSQL:
		return differs
	case !u.Open && !target.matchesTarget(&u.Target):
		return differs
	case u.Model != "" && !hasModelOf(u, target.Name.Name):
		return differs
	}
	return perhaps
}

// matchesTarget reports whether a target is the wanted one.
func (target *UpsertOn) matchesTarget(t *facts.Target) bool {
	if target.Any {
		return t.Constraint != "" || len(t.Columns) > 0
	}
	if t.Constraint != "" {
		return strings.EqualFold(t.Constraint, target.Constraint)
	}
	return len(t.Columns) > 0 && slices.Equal(sortLower(t.Columns), target.Columns)
}

// sortLower returns names in lower case, in order.
func sortLower(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	slices.Sort(out)
	return out
}

// withFields returns the target with columns instead of fields.
func withFields(u *facts.MapperUpsert, columns map[string]string) *facts.Target {
	t := &facts.Target{}
	for _, f := range u.Columns {
		t.Columns = append(t.Columns, columns[f])
	}
	return t
}

// keepers are suffixes of variables that hold a model, after its name: userRepo.
var keepers = []string{"", "s", "repo", "repository", "model", "table", "store", "service", "dao", "entity", "mapper"}

// hasModelOf reports whether a call's receiver is the model of a table, or a variable that
// holds it.
func hasModelOf(u *facts.MapperUpsert, table string) bool {
	return slices.ContainsFunc(facts.TableWords(table), func(w string) bool {
		rest, ok := strings.CutPrefix(strings.ToLower(u.Model), strings.ToLower(w))
		return ok && (rest == "" || u.Keeper && slices.Contains(keepers, rest))
	})
}

// eachFile calls f for the files of the code, without the excluded ones.
func (b *Bound) eachFile(f func(*File)) {
	for i := range b.files {
		if b.files[i].Facts != nil && !b.isSkipped(int32(i)) {
			f(&b.files[i])
		}
	}
}

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
