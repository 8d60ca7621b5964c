package database

import (
	"github.com/onward-sql/onward/internal/catalog"
)

// findNeedingIdentity is a publication that needs an identity of the table's rows, which
// have none; nil when all is well.
func findNeedingIdentity(c *catalog.Catalog, t *catalog.Relation) *catalog.Object {
	if hasRowIdentity(c, t) {
		return nil
	}
	for _, o := range c.ListPublications(t) {
		if o.SendsAction("update") || o.SendsAction("delete") {
			return o
		}
	}
	return nil
}

// hasRowIdentity reports whether a table has a replica identity, or each of its partitions
// has one.
func hasRowIdentity(c *catalog.Catalog, t *catalog.Relation) bool {
	if t.Kind != catalog.PartitionedTable || t.HasReplicaIdentity() || len(t.Partitions) == 0 {
		return t.HasReplicaIdentity()
	}
	for _, oid := range t.Partitions {
		if part := c.Relation(oid); part != nil && !hasRowIdentity(c, part) {
			return false
		}
	}
	return true
}

// explainIdentity names what looks like an identity and is none.
func explainIdentity(t *catalog.Relation) string {
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
