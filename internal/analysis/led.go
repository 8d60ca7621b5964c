package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// Led reports whether an index without a condition begins with columns of its table, in
// any order: what the server needs to find the rows of a foreign key.
func Led(c *catalog.Catalog, t *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(t.Indexes, func(oid catalog.OID) bool {
		index := c.Relation(oid)
		return index != nil && index.Index != nil && Leads(index.Index, columns)
	})
}

// Leads reports whether one index does.
func Leads(index *catalog.IndexInfo, columns []int16) bool {
	return index.Predicate == nil && len(index.Keys) >= len(columns) &&
		!slices.ContainsFunc(index.Keys[:len(columns)], func(k catalog.IndexKey) bool {
			return k.Column == 0 || !slices.Contains(columns, k.Column)
		})
}
