package index

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

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
