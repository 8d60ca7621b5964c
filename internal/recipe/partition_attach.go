package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitionAttach gives a table first what it needs as a partition, beside the traffic: a CHECK of its
// bounds, the indexes and the foreign keys of the partitioned table. The ATTACH then reads nothing.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION
var partitionAttach = &Recipe{Name: "partition-attach", Make: func(c *Change) *Made {
	if c.subtype() != pgparse.AlterTableType_AT_AttachPartition || !c.waits() {
		return nil
	}
	t, part := c.Altered(), c.resolve(c.Command.Def.GetPartitionCmd().GetName())
	if part == nil {
		return nil
	}
	within, after := analysis.Within(c.SQL, t), c.After.Relation(part.OID)
	if within == "" || t.Default != 0 || part.Kind != catalog.Table || after == nil {
		m := asItStands(c)
		m.missing("%s is read, or gets indexes and keys, while nobody may use it: give it a CHECK of its bounds first (NOT VALID, then VALIDATE; NOT NULL for the key), the indexes of %s CONCURRENTLY, and its foreign keys; "+
			"a default partition needs a CHECK that leaves the new bounds out. The CHECK goes behind the ATTACH", part.Name, t.Name)
		return m
	}
	m, phase := &Made{}, c.checkPhase("")
	bounds := c.Release.unique(part.Name.Name, "bounds", "check")
	m.validated(part, bounds, "CHECK ("+quote(t.Attr(t.PartitionKey[0].Column).Name)+" IS NOT NULL AND "+within+")", phase)
	c.likePartition(m, part, after, phase)
	alter := "ALTER TABLE " + name(t)
	s := m.add(phase, onward.StepDDL, "reads nothing: the CHECK proves the bounds", alter+" "+c.Text)
	s.Undo = []string{alter + " DETACH PARTITION " + name(part)}
	drop := "ALTER TABLE " + name(part) + " DROP CONSTRAINT IF EXISTS " + quote(bounds)
	m.add(phase, onward.StepDDL, "the bounds say it now", drop)
	return m
}}

// likePartition gives a table the indexes and foreign keys that it has as a partition.
func (c *Change) likePartition(m *Made, part, after *catalog.Relation, phase onward.PlanPhase) {
	for _, x := range c.After.IndexesOf(after) {
		if x.Index == nil || c.Before.Relation(x.OID) != nil {
			continue
		}
		if con := after.Constraint(x.Index.Constraint); con != nil {
			m.uniquely(c, part, con, phase)
			continue
		}
		m.indexed(part, x.Name.Name, indexBody(after, x.Index), x.Index.Unique, phase)
	}
	for _, con := range after.Constraints {
		there := slices.ContainsFunc(part.Constraints, func(o *catalog.Constraint) bool { return o.ID == con.ID })
		if con.Kind != catalog.ForeignKey || there {
			continue
		}
		if ref := c.After.Relation(con.Ref); ref != nil {
			m.validated(part, con.Name, foreignKey(after, ref, con), phase)
		}
	}
}
