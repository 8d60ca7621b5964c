package recipe

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// partitionUnique gives each partition the unique constraint, or the primary key, of an index that is
// built beside the traffic, and makes them parts of the partitioned table's, as a dump does.
// https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE
var partitionUnique = &Recipe{Name: "partition-unique", Make: func(c *Change) *Made {
	con := c.added(pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_PRIMARY)
	if con == nil || con.Indexname != "" || con.WithoutOverlaps {
		return nil
	}
	t, made := c.Altered(), c.constraint()
	if t.Kind != catalog.PartitionedTable || made == nil {
		return nil
	}
	x := c.After.Relation(made.Index)
	if x == nil || x.Index == nil {
		return nil
	}
	m := &Made{}
	columns := t.ColumnNames(made.Columns)
	phase := c.checkPhase(columns...)
	if made.Kind == catalog.PrimaryKey {
		for _, n := range columns {
			if col := t.Column(n); col != nil && !col.NotNull {
				m.notNull(c, t, n, phase)
			}
		}
	}
	b := &partitioned{c: c, m: m, phase: phase, word: "UNIQUE INDEX", body: indexBody(c.After.Relation(t.OID), x.Index, x), con: made, definition: definitionText(c.Text)}
	b.only(t, x)
	b.under(t, x)
	return m
}}
