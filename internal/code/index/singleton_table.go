package index

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// IsSingleton reports whether every query that works on one relation picks the same row of it, and at least one does.
// Queries that join it, or read it whole, do not count.
func (b *Bound) IsSingleton(n catalog.Name) bool {
	fixed, some := false, false
	b.eachNamingQuery(n, func(_ string, q *facts.Query, _ int) {
		fixed, some = fixed || q.Picks == facts.PicksFixed, some || q.Picks == facts.PicksSome
	})
	return fixed && !some
}
