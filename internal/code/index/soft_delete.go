package index

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

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
