package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
)

// limitComparison and limitExchange are for what a step reads of the inventory under a table's lock: to compare a replaced column, or
// to compare a table that a partitioned one replaces, and to record that. partitions are the partitions of the table.
const (
	limitComparison = 100 * time.Millisecond
	limitExchange   = 150 * time.Millisecond // on 13, whose plans of the queries are slower; 18 takes three quarters of it
	partitions      = 1000
)

const partitioned = `CREATE TABLE p (a int PRIMARY KEY, b text DEFAULT 'q', c int NOT NULL CHECK (c > 0), d timestamptz) PARTITION BY RANGE (a);
CREATE INDEX ON p (b);
CREATE INDEX ON p (d, c);
DO $$ BEGIN FOR i IN 1..%d LOOP EXECUTE format('CREATE TABLE p%%s PARTITION OF p FOR VALUES FROM (%%s) TO (%%s)', i, i, i + 1); END LOOP; END $$;
CREATE TABLE whole (LIKE p INCLUDING ALL);
ANALYZE;`

// measureComparison is how long a step holds a table, with the lock itself, until the server has read what it needs of the inventory. It is the median on a
// server of a version, each time in a new session.
func measureComparison(ctx context.Context, major, rounds int, read func(context.Context, *pgserver.Server, string, int) (time.Duration, error)) (
	took time.Duration, err error,
) {
	server, err := pgserver.Start(ctx, pgserver.Config{Major: major})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	database, err := server.NewDatabase(ctx, "")
	if err != nil {
		return 0, err
	}
	if err := prepareDatabase(ctx, server, database, "SET search_path = public; "+fmt.Sprintf(partitioned, partitions)); err != nil {
		return 0, err
	}
	var times []time.Duration
	for range rounds {
		if took, err = read(ctx, server, database, major); err != nil {
			return 0, err
		}
		times = append(times, took)
	}
	return table.Median(times), nil
}

// compareColumn compares what is about a replaced column of a table with many partitions.
func compareColumn(ctx context.Context, server *pgserver.Server, database string, major int) (took time.Duration, err error) {
	return holdLock(ctx, server, database, major, &onward.PlanReplacement{
		Kind: onward.ReplacementColumn, Old: "p", New: "p", OldColumn: "b", NewColumn: "b_onward",
	})
}

// recordExchange compares a table, gives a table with many partitions its name, and records what that has, apart from the partitions.
func recordExchange(ctx context.Context, server *pgserver.Server, database string, major int) (took time.Duration, err error) {
	return holdLock(ctx, server, database, major, &onward.PlanReplacement{Kind: onward.ReplacementTable, Old: "whole", New: "p"})
}

// holdLock returns the time from the lock of the replaced relation to the end of what is read.
func holdLock(ctx context.Context, server *pgserver.Server, database string, major int, replaced *onward.PlanReplacement) (took time.Duration, err error) {
	conn, err := server.Connect(ctx, "", database)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	if _, err := conn.PgConn().Exec(ctx, "BEGIN; "+inventory.Settings).ReadAll(); err != nil {
		return 0, err
	}
	var relation uint32
	var children []uint32
	if err := conn.QueryRow(ctx, "SELECT ('public.' || $1)::regclass::oid, ARRAY(SELECT inhrelid FROM pg_inherits WHERE inhparent = 'public.p'::regclass)",
		replaced.Old).Scan(&relation, &children); err != nil {
		return 0, err
	}
	c := &inventory.Comparison{Replaced: replaced}
	if c.Old, err = inventory.ReadInventory(ctx, conn, major, relation); err != nil {
		return 0, err
	}
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		return 0, err
	}
	// A step's session knows nothing of the table yet.
	work, err := server.Connect(ctx, "", database)
	if err != nil {
		return 0, err
	}
	defer work.Close(ctx)
	unlocked, locked, err := c.FormatLock(major, relation, "public."+replaced.Old)
	if err != nil {
		return 0, err
	}
	if replaced.Kind == onward.ReplacementTable {
		locked += "ALTER TABLE public.whole RENAME TO was; ALTER TABLE public.p RENAME TO whole;\n" +
			inventory.FormatListQuery(major, "'public.whole'::regclass", children...)
	}
	if _, err := work.PgConn().Exec(ctx, "BEGIN; "+inventory.Settings+unlocked).ReadAll(); err != nil {
		return 0, err
	}
	begun := time.Now()
	if _, err := work.PgConn().Exec(ctx, locked).ReadAll(); err != nil {
		return 0, err
	}
	return time.Since(begun), nil
}
