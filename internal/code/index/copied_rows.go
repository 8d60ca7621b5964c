package index

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

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
