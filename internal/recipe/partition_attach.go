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
	within, after, rest := analysis.Within(c.SQL, t), c.After.Relation(part.OID), c.Before.Relation(t.Default)
	if within == "" || t.Default != 0 && (rest == nil || rest.Kind != catalog.Table) || part.Kind != catalog.Table || after == nil {
		m := asItStands(c)
		m.missing("%s is read, or gets indexes and keys, while nobody may use it: give it a CHECK of its bounds first (NOT VALID, then VALIDATE; NOT NULL for the key), the indexes of %s CONCURRENTLY, and its foreign keys; "+
			"a default partition needs a CHECK that leaves the new bounds out. The CHECK goes behind the ATTACH", part.Name, t.Name)
		return m
	}
	m, phase := &Made{}, c.checkPhase("")
	bounds := c.Release.unique(part.Name.Name, "bounds", "check")
	m.validated(part, bounds, "CHECK ("+quote(t.Attr(t.PartitionKey[0].Column).Name)+" IS NOT NULL AND "+within+")", phase)
	c.likePartition(m, part, after, phase)
	var drops []string
	if rest != nil { // last, for it refuses what it is to leave out
		without := c.Release.unique(rest.Name.Name, "without", "check")
		m.validated(rest, without, "CHECK (NOT ("+within+"))", phase)
		drops = append(drops, "ALTER TABLE "+name(rest)+" DROP CONSTRAINT IF EXISTS "+quote(without))
		m.note("from the CHECK of %s to the ATTACH, a row within the bounds of %s is refused: a partition is to be attached before there are such rows", rest.Name, part.Name)
	}
	alter := "ALTER TABLE " + name(t)
	s := m.add(phase, onward.StepDDL, "reads nothing: the CHECK proves the bounds", append([]string{alter + " " + c.Text}, drops...)...)
	s.Undo = []string{alter + " DETACH PARTITION " + name(part)}
	m.add(phase, onward.StepDDL, "the bounds say it now", "ALTER TABLE "+name(part)+" DROP CONSTRAINT IF EXISTS "+quote(bounds))
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
		m.indexed(part, x.Name.Name, indexBody(after, x.Index, x), x.Index.Unique, phase)
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
