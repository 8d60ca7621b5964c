package recipe

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// partitionAttach says what is to be done before a table is attached whose rows the server would
// read under its lock.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-ATTACH-PARTITION
var partitionAttach = &Recipe{Name: "partition-attach", Make: func(c *Change) *Made {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_AttachPartition || !c.waits() {
		return nil
	}
	part := c.resolve(c.Command.Def.GetPartitionCmd().GetName())
	if part == nil {
		return nil
	}
	m := asItStands(c)
	m.missing("%s is read, or gets indexes and keys, while nobody may use it: give it a CHECK of its bounds first (NOT VALID, then VALIDATE; NOT NULL for the key), the indexes of %s CONCURRENTLY, and its foreign keys; "+
		"a default partition needs a CHECK that leaves the new bounds out. The CHECK goes behind the ATTACH", part.Name, c.Altered().Name)
	return m
}}
