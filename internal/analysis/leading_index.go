package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// HasLeadingIndex reports whether a table has an index without a condition that begins with the given
// columns, in any order. The server needs one to find the rows of a foreign key.
func HasLeadingIndex(c *catalog.Catalog, t *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(t.Indexes, func(oid catalog.OID) bool {
		index := c.Relation(oid)
		return index != nil && index.Index != nil && IsLeadingIndex(index.Index, columns)
	})
}

// IsLeadingIndex reports whether an index without a condition begins with the given columns, in any order.
func IsLeadingIndex(index *catalog.IndexInfo, columns []int16) bool {
	return index.Predicate == nil && len(index.Keys) >= len(columns) &&
		!slices.ContainsFunc(index.Keys[:len(columns)], func(k catalog.IndexKey) bool {
			return k.Column == 0 || !slices.Contains(columns, k.Column)
		})
}
