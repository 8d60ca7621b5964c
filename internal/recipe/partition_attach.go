package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitionAttach first gives a table what it needs as a partition, while others use it: a CHECK of
// its bounds, and the indexes and foreign keys of the partitioned table. ATTACH then reads no rows.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION
var partitionAttach = &Recipe{Name: "partition-attach", Make: func(c *Change) *Steps {
	if c.commandType() != pgparse.AlterTableType_AT_AttachPartition || !c.blocksOthers() {
		return nil
	}
	t, part := c.AlteredRelation(), c.resolveRelation(c.Command.Def.GetPartitionCmd().GetName())
	if part == nil {
		return nil
	}
	partCondition, after, rest := analysis.PartitionCondition(c.SQL, t), c.After.Relation(part.OID), c.Before.Relation(t.Default)
	if partCondition == "" || t.Default != 0 && (rest == nil || rest.Kind != catalog.Table) || part.Kind != catalog.Table || after == nil {
		m := keepUnchanged(c)
		m.addMissing("%s is read, or gets indexes and keys, while nobody may use it: give it a CHECK of its bounds first (NOT VALID, then VALIDATE; "+
			"NOT NULL for the key), the indexes of %s CONCURRENTLY, and its foreign keys; "+
			"a default partition needs a CHECK that leaves the new bounds out. Drop the CHECK after the ATTACH", part.Name, t.Name)
		return m
	}
	m, phase := &Steps{}, c.checkPhase("")
	bounds := c.Release.uniqueName(part.Name.Name, "bounds", "check")
	m.addConstraintSteps(part, bounds, "CHECK ("+quoteIdent(t.Attr(t.PartitionKey[0].Column).Name)+" IS NOT NULL AND "+partCondition+")", phase)
	c.addPartitionObjects(m, part, after, phase)
	var drops []string
	if rest != nil { // last: it refuses rows that belong to the new partition
		defaultCheck := c.Release.uniqueName(rest.Name.Name, "without", "check")
		m.addConstraintSteps(rest, defaultCheck, "CHECK (NOT ("+partCondition+"))", phase)
		drops = append(drops, "ALTER TABLE "+tableName(rest)+" DROP CONSTRAINT IF EXISTS "+quoteIdent(defaultCheck))
		m.addNote("from the CHECK of %s to the ATTACH, a row within the bounds of %s is refused: attach the partition before such rows exist", rest.Name, part.Name)
	}
	alter := "ALTER TABLE " + tableName(t)
	s := m.addStep(phase, onward.StepDDL, "attach partition "+part.Name.Name+": the CHECK proves its bounds, so no row is read",
		append([]string{alter + " " + c.Text}, drops...)...)
	s.Undo = []string{DetachPartition(t.Name, part.Name)}
	m.addStep(phase, onward.StepDDL, "drop the CHECK of the bounds, which the partition has itself now",
		"ALTER TABLE "+tableName(part)+" DROP CONSTRAINT IF EXISTS "+quoteIdent(bounds))
	return m
}}

// addPartitionObjects gives a table the indexes and foreign keys that it will have as a partition.
func (c *Change) addPartitionObjects(m *Steps, part, after *catalog.Relation, phase onward.PlanPhase) {
	for _, x := range c.After.IndexesOf(after) {
		if x.Index == nil || c.Before.Relation(x.OID) != nil {
			continue
		}
		if con := after.Constraint(x.Index.Constraint); con != nil {
			m.addUniqueConstraint(c, part, con, phase)
			continue
		}
		m.addIndex(part, x.Name.Name, indexBody(after, x.Index, x), x.Index.Unique, phase)
	}
	for _, con := range after.Constraints {
		exists := slices.ContainsFunc(part.Constraints, func(o *catalog.Constraint) bool { return o.ID == con.ID })
		if con.Kind != catalog.ForeignKey || exists {
			continue
		}
		if ref := c.After.Relation(con.Ref); ref != nil {
			m.addConstraintSteps(part, con.Name, foreignKey(after, ref, con), phase)
		}
	}
}
