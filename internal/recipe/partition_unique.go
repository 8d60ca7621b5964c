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
	t, made := c.AlteredRelation(), c.addedConstraint()
	if t.Kind != catalog.PartitionedTable || made == nil {
		return nil
	}
	x := c.After.Relation(made.Index)
	if x == nil || x.Index == nil {
		return nil
	}
	m := &Steps{}
	phase := m.addKeyColumns(c, t, made)
	b := &partitionedIndex{
		c:          c,
		m:          m,
		phase:      phase,
		word:       "UNIQUE INDEX",
		body:       indexBody(c.After.Relation(t.OID), x.Index, x),
		con:        made,
		definition: definitionText(c.Text),
	}
	b.addParentIndex(t, x)
	b.addPartitionIndexes(t, x)
	return m
}}
