//go:build unix

package main

import (
	"fmt"
	"time"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

// partitions is the number of partitions of table p.
const partitions = 1000

const partitioned = `CREATE TABLE p (a int PRIMARY KEY, b text DEFAULT 'q', c int NOT NULL CHECK (c > 0), d timestamptz) PARTITION BY RANGE (a);
CREATE INDEX ON p (b);
CREATE INDEX ON p (d, c);
DO $$ BEGIN FOR i IN 1..%d LOOP EXECUTE format('CREATE TABLE p%%s PARTITION OF p FOR VALUES FROM (%%s) TO (%%s)', i, i, i + 1); END LOOP; END $$;
CREATE TABLE whole (LIKE p INCLUDING ALL);
ANALYZE;`

// measurePartitions measures how long a step holds a table, with the lock itself, until the server has read what it needs of the
// inventory, each time in a new session: to compare a replaced column of a table with many partitions; and to compare a table, give a
// table with many partitions its name, and record what that has, apart from the partitions.
func measurePartitions(b *measure.Bench, major int) {
	server, database, stop := b.StartServer(pgserver.Config{Major: major})
	defer stop()
	b.Exec(server, database, "SET search_path = public; "+fmt.Sprintf(partitioned, partitions))
	for _, c := range []struct {
		limit, what string
		replaced    onward.PlanReplacement
	}{
		{"plan/column", "a column of %d partitions compared under the lock, on %d", onward.PlanReplacement{
			Kind: onward.ReplacementColumn, Old: "p", New: "p", OldColumn: "b", NewColumn: "b_onward",
		}},
		{"plan/exchange", "an exchange for a table of %d partitions under the lock, on %d", onward.PlanReplacement{
			Kind: onward.ReplacementTable, Old: "whole", New: "p",
		}},
	} {
		var times []float64
		for range b.Rounds {
			times = append(times, measure.Milliseconds(timeLockHold(b, server, database, major, &c.replaced)))
		}
		b.Check(c.limit, fmt.Sprintf(c.what, partitions, major), table.Median(times))
	}
}

// timeLockHold returns the time from the lock of the replaced relation to the end of what is read.
func timeLockHold(b *measure.Bench, server *pgserver.Server, database string, major int, replaced *onward.PlanReplacement) time.Duration {
	conn := measure.Must(server.Connect(b, "", database))
	defer conn.Close(b)
	measure.Must(conn.PgConn().Exec(b, "BEGIN; "+inventory.Settings).ReadAll())
	var relation uint32
	var children []uint32
	measure.Check(conn.QueryRow(b, "SELECT ('public.' || $1)::regclass::oid, ARRAY(SELECT inhrelid FROM pg_inherits WHERE inhparent = 'public.p'::regclass)",
		replaced.Old).Scan(&relation, &children))
	c := &inventory.Comparison{Replaced: replaced, Old: measure.Must(inventory.ReadInventory(b, conn, major, relation))}
	measure.Must(conn.Exec(b, "ROLLBACK"))
	// A step's session knows nothing of the table yet.
	work := measure.Must(server.Connect(b, "", database))
	defer work.Close(b)
	unlocked, locked, err := c.FormatLock(major, relation, "public."+replaced.Old)
	measure.Check(err)
	if replaced.Kind == onward.ReplacementTable {
		locked += "ALTER TABLE public.whole RENAME TO was; ALTER TABLE public.p RENAME TO whole;\n" +
			inventory.FormatListQuery(major, "'public.whole'::regclass", children...)
	}
	measure.Must(work.PgConn().Exec(b, "BEGIN; "+inventory.Settings+unlocked).ReadAll())
	start := time.Now()
	measure.Must(work.PgConn().Exec(b, locked).ReadAll())
	return time.Since(start)
}
