package publication

import (
	"github.com/onward-sql/onward/internal/catalog"
)

// unidentified is a publication that needs an identity of the table's rows, which
// have none; nil when all is well.
func unidentified(c *catalog.Catalog, t *catalog.Relation) *catalog.Object {
	if identified(c, t) {
		return nil
	}
	for _, o := range c.Publications(t) {
		if o.Sends("update") || o.Sends("delete") {
			return o
		}
	}
	return nil
}

// identified reports whether the rows of a table have an identity, or those of
// each partition.
func identified(c *catalog.Catalog, t *catalog.Relation) bool {
	if t.Kind != catalog.PartitionedTable || t.Identified() || len(t.Partitions) == 0 {
		return t.Identified()
	}
	for _, oid := range t.Partitions {
		if part := c.Relation(oid); part != nil && !identified(c, part) {
			return false
		}
	}
	return true
}

// because names what looks like an identity and is none.
func because(t *catalog.Relation) string {
	for _, c := range t.Constraints {
		switch {
		case c.Kind == catalog.PrimaryKey && c.Deferrable:
			return " (its primary key is deferrable)"
		case c.Kind == catalog.Unique:
			return " (a unique constraint is none by itself)"
		}
	}
	return ""
}
