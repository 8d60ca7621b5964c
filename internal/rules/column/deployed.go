package column

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// required reports whether an INSERT that leaves the column out fails. A
// domain may have the default that the column lacks.
func required(c *catalog.Catalog, col *catalog.Column) bool {
	if !col.Required() {
		return false
	}
	t := c.Type(col.Type.OID)
	return t == nil || t.Kind != catalog.Domain || t.Default == nil
}

// filled is the severity of a column that INSERTs leave out: only a warning
// when a trigger may fill it, else the rule's own.
func filled(r *catalog.Relation) onward.Severity {
	for _, t := range r.Triggers {
		if t.Enabled && t.Row && t.Timing == "before" && strings.Contains(t.Events, "insert") {
			return onward.Warning
		}
	}
	return onward.Off
}
