package index

import (
	"iter"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/queries"
)

// Written is what a query of the code writes to a relation.
type Written struct {
	facts.Write
	Path string
}

// Writes returns what queries write to a relation, in the order of the files; writes of
// functions are last.
func (b *Bound) Writes(n catalog.Name) []Written {
	var out, routines []Written
	b.eachNamingQuery(n, func(path string, q *facts.Query, i int) {
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
	b.eachModelOrCall(n, func(string, *facts.Model) {}, func(path string, c *facts.Call) {
		if c.How != facts.Reads {
			out = append(out, Written{facts.Write{How: c.How, Line: c.Line, Listed: c.How == facts.Copies && !copiesWithoutColumns(c)}, path})
		}
	})
	return append(out, routines...)
}

// copiesWithoutColumns reports whether psycopg's copy_from has no columns. Other clients always name
// them.
func copiesWithoutColumns(c *facts.Call) bool {
	hasWord := func(word string) bool {
		return slices.ContainsFunc(c.Words, func(w facts.Word) bool { return w.Mark == facts.HashText(word) })
	}
	return hasWord("copy_from") && !hasWord("columns")
}

// FilesUsing returns the files that use a relation.
func (b *Bound) FilesUsing(n catalog.Name) map[string]bool {
	out := map[string]bool{}
	for _, u := range b.Relation(n) {
		out[u.Path] = true
	}
	b.eachModelOrCall(n, func(path string, _ *facts.Model) { out[path] = true }, func(string, *facts.Call) {})
	return out
}

// FilesInserting returns the files that insert the name of a relation into SQL: the names in their
// queries may be its columns.
func (b *Bound) FilesInserting(n catalog.Name) map[string]bool {
	out := map[string]bool{}
	b.eachModelOrCall(n, func(path string, m *facts.Model) {
		if m.Put {
			out[path] = true
		}
	}, func(string, *facts.Call) {})
	return out
}

// PutColumn returns the queries in such files with a column that may belong to an
// inserted relation.
func (b *Bound) PutColumn(n catalog.Name, column string) []Use {
	puts := b.FilesInserting(n)
	if len(puts) == 0 {
		return nil
	}
	var out []Use
	for _, a := range b.columns[column] {
		f := &b.files[a.file]
		q := &f.Facts.Queries[a.item]
		if c := &q.Columns[a.part]; puts[f.Path] && !b.isSkipped(a.file) && b.mayBeOfInsertedRelation(q, c) {
			out = append(out, Use{f.Path, c.Line, c.How, facts.Named, rankName})
		}
	}
	return b.rankUses(out)
}

// mayBeOfInsertedRelation reports whether a name in a query may be a column of an inserted relation: no
// relation of the schema in an inner query has it.
func (b *Bound) mayBeOfInsertedRelation(q *facts.Query, c *facts.Column) bool {
	other := false
	for _, sourceIndex := range c.Of {
		switch {
		case sourceIndex == facts.NextLevel && other:
			return false
		case sourceIndex == facts.OtherSource:
			return true
		case sourceIndex >= 0:
			other = other || b.relationHasColumn(q.Relations[sourceIndex], c.Name)
		}
	}
	return false
}

// filesWithFacts goes over the files with facts that are not skipped.
func (b *Bound) filesWithFacts() iter.Seq[*File] {
	return func(yield func(*File) bool) {
		for i := range b.files {
			if f := &b.files[i]; f.Facts != nil && !b.isSkipped(int32(i)) && !yield(f) {
				return
			}
		}
	}
}

// String returns the places with a quoted string that is exactly a text.
func (b *Bound) String(text string) []Use {
	var out []Use
	for _, a := range b.strings[facts.HashText(text)] {
		if !b.isSkipped(a.file) {
			out = append(out, Use{b.files[a.file].Path, b.files[a.file].Facts.Strings[a.item].Line, facts.Names, facts.Named, rankName})
		}
	}
	return b.rankUses(out)
}

// Setting returns the places that set a session's setting. unknown is set if code builds
// the name of a setting.
func (b *Bound) Setting(name string) (uses []Use, unknown bool) {
	for f := range b.filesWithFacts() {
		for _, p := range f.Facts.Settings {
			switch {
			case p.Name == name:
				uses = append(uses, Use{f.Path, p.Line, facts.Updates, facts.Parsed, rankQuery})
			case p.Name == "" || queries.HasHole(p.Name):
				unknown = true
			}
		}
	}
	return b.rankUses(append(uses, b.String(name)...)), unknown
}

// IsEmpty reports whether nothing in the code uses the database: no query, call or model
// has a relation of the schema, or one that the schema may not know.
func (b *Bound) IsEmpty() bool {
	for name := range b.relations {
		if !strings.HasPrefix(name, "pg_") && slices.ContainsFunc(b.relations[name], func(a factPlace) bool {
			return b.files[a.file].Facts.Queries[a.item].Relations[a.part].Schema != "information_schema"
		}) {
			return false
		}
	}
	empty := true
	if b.Schema != nil {
		b.Schema.EachRelation(func(r *catalog.Relation) bool {
			b.eachModelOrCall(r.Name, func(_ string, m *facts.Model) { empty = empty && m.Row }, func(string, *facts.Call) { empty = false })
			return empty
		})
	}
	return empty
}

// CopiedInsert is an INSERT that copies the columns of a relation unchanged.
type CopiedInsert struct {
	Written
	Into string
}

// FindCopied returns the INSERTs that copy all columns of a relation unchanged into another
// one.
func (b *Bound) FindCopied(n catalog.Name) []CopiedInsert {
	var out []CopiedInsert
	b.eachNamingQuery(n, func(path string, q *facts.Query, i int) {
		for _, w := range q.Writes {
			if w.From == i+1 {
				out = append(out, CopiedInsert{Written{w, path}, q.Relations[w.Relation].Name})
			}
		}
	})
	return out
}

// FindRowComparisons returns the code that may compare whole rows of a relation: queries on it with
// DISTINCT, GROUP BY or UNION, and such calls of mappers in files that use it.
func (b *Bound) FindRowComparisons(n catalog.Name) []Use {
	var out []Use
	b.eachNamingQuery(n, func(path string, q *facts.Query, i int) {
		if q.Compares {
			out = append(out, Use{path, q.Relations[i].Line, facts.Reads, facts.Parsed, rankQuery})
		}
	})
	works := b.FilesUsing(n)
	b.eachFile(func(f *File) {
		for _, line := range f.Facts.Compares {
			if works[f.Path] {
				out = append(out, Use{f.Path, line, facts.Reads, facts.Named, rankCall})
			}
		}
	})
	return b.rankUses(out)
}

// isKnownRoutine reports whether a query is in the body of a function that the schema has. The
// schema shows what it needs, including changes by later migrations.
func (b *Bound) isKnownRoutine(q *facts.Query) bool {
	return q.Routine.Name != "" && b.Schema != nil && len(b.Schema.Functions(q.Routine.Schema, q.Routine.Name)) > 0
}

// Deletions are the queries of the code that delete rows of a relation, and those that mark them in a column.
type Deletions struct{ Deletes, Marks []Use }

// FindDeletions returns the deletions of a relation's rows. An UPDATE marks rows if it writes this column.
func (b *Bound) FindDeletions(n catalog.Name, column string) Deletions {
	var out Deletions
	b.eachNamingQuery(n, func(path string, q *facts.Query, i int) {
		for _, w := range q.Writes {
			use := Use{path, w.Line, w.How, facts.Parsed, rankWrite}
			switch {
			case w.Relation != i || q.Routine.Name != "":
			case w.How == facts.Deletes:
				out.Deletes = append(out.Deletes, use)
			case w.How == facts.Updates && slices.ContainsFunc(w.Columns, func(g facts.Given) bool { return g.Column == column }):
				out.Marks = append(out.Marks, use)
			}
		}
	})
	return out
}

// FindReadsWithout returns the queries that only read a relation and do not name this column of it. Queries of one fixed row are left out.
func (b *Bound) FindReadsWithout(n catalog.Name, column string) []Use {
	var out []Use
	b.eachNamingQuery(n, func(path string, q *facts.Query, i int) {
		if q.Routine.Name != "" || len(q.Writes) > 0 || q.Relations[i].How != facts.Reads || q.Picks == facts.PicksFixed ||
			slices.ContainsFunc(q.Columns, func(c facts.Column) bool { return c.Name == column }) {
			return
		}
		out = append(out, Use{path, q.Line, facts.Reads, facts.Parsed, rankQuery})
	})
	return out
}
