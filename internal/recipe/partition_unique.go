package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
)

// partitionUnique adds the unique constraint or primary key to each partition, with an index that is
// built concurrently. It then attaches them to the partitioned table's, as a dump does.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
var partitionUnique = &Recipe{Name: "partition-unique", Make: func(c *Change) *Steps {
	if c.uniqueNode() == nil {
		return nil
	}
	t, newCon := c.AlteredRelation(), c.addedConstraint()
	if t.Kind != catalog.PartitionedTable || newCon == nil {
		return nil
	}
	x := c.After.Relation(newCon.Index)
	if x == nil || x.Index == nil {
		return nil
	}
	m := &Steps{}
	phase := m.addKeyNotNull(c, t, newCon)
	b := &partitionedIndex{
		c:          c,
		m:          m,
		phase:      phase,
		word:       "UNIQUE INDEX",
		body:       indexBody(c.After.Relation(t.OID), x.Index, x),
		con:        newCon,
		definition: constraintDefinition(c.Text),
	}
	b.addParentIndex(t, x)
	b.addPartitionIndexes(t, x)
	return m
}}
