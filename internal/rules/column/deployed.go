package column

import (
	"github.com/onward-sql/onward/internal/analysis"
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

// filled is the severity of columns that INSERTs leave out: only a warning when
// a trigger may fill one, else the rule's own.
func filled(c *catalog.Catalog, r *catalog.Relation, columns ...string) onward.Severity {
	if analysis.Filler(c, r, columns) != nil {
		return onward.Warning
	}
	return onward.Off
}

// unless names the trigger that may fill a column that INSERTs leave out, as the
// end of a sentence that says they fail.
func unless(c *catalog.Catalog, r *catalog.Relation, columns ...string) string {
	if t := analysis.Filler(c, r, columns); t != nil {
		return ", unless trigger " + t.Name + " fills " + one(len(columns), "it", "them")
	}
	return ""
}
