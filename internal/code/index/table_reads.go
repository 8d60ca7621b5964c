package index

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// FindFullTableReads returns the queries that read all rows of a relation at once.
func (b *Bound) FindFullTableReads(n catalog.Name) []Use {
	var out []Use
	b.eachNamingQuery(n, func(path string, q *facts.Query, i int) {
		if q.Whole && !q.Open && q.Routine.Name == "" {
			out = append(out, Use{path, q.Relations[i].Line, facts.Reads, facts.Parsed, rankQuery})
		}
	})
	return b.rankUses(out)
}
