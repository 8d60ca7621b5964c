package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// partitionDetach detaches a partition concurrently, so that others do not queue for a lock. The
// server leaves a CHECK of the bounds, which is dropped afterwards.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DETACH-PARTITION
var partitionDetach = &Recipe{Name: "partition-detach", Make: func(c *Change) *Steps {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_DetachPartition {
		return nil
	}
	cmd := c.Command.Def.GetPartitionCmd()
	t, part := c.AlteredRelation(), c.resolveRelation(cmd.GetName())
	if cmd.GetConcurrent() || part == nil {
		return nil
	}
	m := &Steps{}
	phase := c.checkPhase("")
	alter := "ALTER TABLE " + tableName(t)
	back := []string{alter + " ATTACH PARTITION " + tableName(part) + " " + part.Bound}
	obstacle := ""
	switch {
	case t.Default != 0:
		obstacle = "has a default partition"
	case slices.ContainsFunc(c.Release.Versions, func(v int) bool { return v < 14 }):
		obstacle = "may be part of a file on a server before 14"
	}
	if obstacle != "" {
		s := m.addStep(phase, onward.StepDDL, "detach partition "+part.Name.Name+": everybody waits for an instant, and no row is read",
			DetachPartition(t.Name, part.Name))
		s.Undo = back
		m.addNote("%s %s, so nothing can be detached CONCURRENTLY", t.Name, obstacle)
		return m
	}
	s := m.addStep(phase, onward.StepConcurrent, "detach partition "+part.Name.Name+
		": it waits for the partition's users, and nobody waits for it. If it is interrupted, FINALIZE completes it", Concurrently(DetachPartition(t.Name, part.Name)))
	s.Undo = back
	m.addStep(phase, onward.StepDDL, "drop the CHECK of the old bounds, which the server has left",
		"ALTER TABLE "+tableName(part)+" DROP CONSTRAINT IF EXISTS "+quoteIdent(boundCheckName(t, part)))
	return m
}}

// boundCheckName returns the name that the server gives to the CHECK of a detached partition's bounds.
func boundCheckName(t, part *catalog.Relation) string {
	column := ""
	if len(t.PartitionKey) == 1 {
		if col := t.Attr(t.PartitionKey[0].Column); col != nil {
			column = col.Name
		}
	}
	for i, label := 1, "check"; ; i++ {
		checkName := catalog.ObjectName(part.Name.Name, column, label)
		if part.Constraint(checkName) == nil {
			return checkName
		}
		label = "check" + string(rune('0'+i))
	}
}
