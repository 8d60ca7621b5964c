package index

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// FindAmbiguousNames returns the places where a query names a column without its table, and the name becomes ambiguous if the
// relation gets a column of that name: another relation of the same FROM has it already.
func (b *Bound) FindAmbiguousNames(n catalog.Name, column string) []Use {
	if b.Schema == nil {
		return nil
	}
	var out []Use
	b.eachFile(func(f *File) {
		for i := range f.Facts.Queries {
			q := &f.Facts.Queries[i]
			if first := slices.IndexFunc(q.Columns, func(c facts.Column) bool { return c.Name == column && b.becomesAmbiguous(q, &c, n) }); first >= 0 {
				out = append(out, Use{f.Path, q.Columns[first].Line, facts.Reads, facts.Parsed, rankCall})
			}
		}
	})
	return out
}

// becomesAmbiguous reports whether the innermost query that has a column would have it twice.
func (b *Bound) becomesAmbiguous(q *facts.Query, c *facts.Column, n catalog.Name) bool {
	inRelation, inOther := false, false
	for _, source := range append(slices.Clip(c.Of), facts.NextLevel) {
		if source == facts.NextLevel {
			if inRelation || inOther {
				return inRelation && inOther // an inner query's column hides the outer queries' columns
			}
			continue
		}
		if source < 0 || source >= len(q.Relations) {
			continue
		}
		r := q.Relations[source]
		if b.meansRelation(r.Schema, r.Name, n) {
			inRelation = true
		} else if other := b.Schema.Lookup(r.Schema, r.Name); other != nil && other.Column(c.Name) != nil {
			inOther = true
		}
	}
	return false
}
