package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// MayCarryRows reports whether a trigger of a table may copy its rows to another one: the trigger's function names
// that table, or is not known.
func MayCarryRows(c *catalog.Catalog, source, other *catalog.Relation) bool {
	return slices.ContainsFunc(source.Triggers, func(t *catalog.Trigger) bool {
		list := c.Functions(t.Function.Schema, t.Function.Name)
		return t.Enabled && (len(list) == 0 || slices.ContainsFunc(list, func(fn *catalog.Function) bool {
			return slices.Contains(fn.ListBodyWords(), other.Name.Name)
		}))
	})
}
