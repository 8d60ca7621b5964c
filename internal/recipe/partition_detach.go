package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitionDetach takes a partition off without a lock that others wait behind. The server leaves
// a CHECK of the bounds, which goes after it.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
var partitionDetach = &Recipe{Name: "partition-detach", Make: func(c *Change) *Made {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_DetachPartition {
		return nil
	}
	cmd := c.Command.Def.GetPartitionCmd()
	t, part := c.Altered(), c.resolve(cmd.GetName())
	if cmd.GetConcurrent() || part == nil {
		return nil
	}
	m := &Made{}
	phase := c.checkPhase("")
	alter := "ALTER TABLE " + name(t)
	back := []string{alter + " ATTACH PARTITION " + name(part) + " " + part.Bound}
	why := ""
	switch {
	case t.Default != 0:
		why = "has a default partition"
	case slices.ContainsFunc(c.Release.Versions, func(v int) bool { return v < 14 }):
		why = "may stand on a server before 14"
	}
	if why != "" {
		s := m.add(phase, onward.StepDDL, "everybody waits for it, for an instant: no row is read", alter+" DETACH PARTITION "+name(part))
		s.Undo = back
		m.note("%s %s, so nothing can be detached CONCURRENTLY", t.Name, why)
		return m
	}
	s := m.add(phase, onward.StepConcurrent, "waits for who uses the partition, and nobody waits for it; FINALIZE goes on where it was cut off", alter+" DETACH PARTITION "+name(part)+" CONCURRENTLY")
	s.Undo = back
	m.add(phase, onward.StepDDL, "the server left a CHECK of the old bounds", "ALTER TABLE "+name(part)+" DROP CONSTRAINT IF EXISTS "+quote(boundCheck(t, part)))
	return m
}}

// boundCheck is the name that the server gives to the CHECK that a partition has of its bounds when it
// is detached.
func boundCheck(t, part *catalog.Relation) string {
	column := ""
	if len(t.PartitionKey) == 1 {
		if col := t.Attr(t.PartitionKey[0].Column); col != nil {
			column = col.Name
		}
	}
	for i, label := 1, "check"; ; i++ {
		own := catalog.ObjectName(part.Name.Name, column, label)
		if part.Constraint(own) == nil {
			return own
		}
		label = "check" + string(rune('0'+i))
	}
}
