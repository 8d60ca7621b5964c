package apply_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// openSnapshot opens a report in a transaction that keeps its first snapshot, which has read another table.
func openSnapshot(t testing.TB, db string) *pgx.Conn {
	t.Helper()
	conn := called(t, db, "report")
	pgservertest.Exec(t, conn, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM customers")
	return conn
}

// readAll returns the rows of the table as a transaction sees them.
func readAll(t testing.TB, conn *pgx.Conn, column string) string {
	t.Helper()
	return strings.Join(pgservertest.ReadTexts(t, conn, "SELECT count(*) || ' rows, ' || count("+column+") || ' values' FROM orders"), "")
}

// twoPhases starts a server that knows prepared transactions.
func twoPhases(t testing.TB, major int) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), pgserver.Config{Major: major, Small: true, Settings: map[string]string{"max_prepared_transactions": "2"}})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

// A transaction that is older than the rows of a backfill never reads NULL or an empty table under a known name: the step waits for its end, and
// names it.
func TestOldSnapshots(t *testing.T) {
	t.Parallel()
	const few = "INSERT INTO customers VALUES (1); INSERT INTO orders SELECT n, 1, n, 'note ' || n, 'paid' FROM generate_series(1, 300) AS n"
	kinds := []struct {
		name, base, release string
		before, after       string // the column before the step and after it
		filled              onward.PlanPhase
	}{
		{"renamed column", base, "ALTER TABLE orders RENAME COLUMN note TO remark;", "note", "remark", onward.Contract},
		{"changed type", base, "ALTER TABLE orders ALTER COLUMN amount TYPE bigint;", "amount", "amount", onward.Contract},
		{"exchanged table", base, "ALTER TABLE orders ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED;", "note", "note", onward.Backfill},
		{
			"without a key", strings.Replace(base, "orders (id bigint PRIMARY KEY,", "orders (id bigint,", 1),
			"ALTER TABLE orders ALTER COLUMN amount TYPE bigint;", "amount", "amount", onward.Contract,
		},
	}
	for _, kind := range kinds {
		p := planned(t, kind.base, kind.release)
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			pgservertest.EachEnd(t, func(t *testing.T, major int) {
				db := pgservertest.Database(t, major)
				run(t, db, kind.base, few)
				report := openSnapshot(t, db)
				c := apply.Config{DB: db, Plan: p, Through: kind.filled, Within: time.Second}
				stuck := new(apply.UnfinishedError)
				_, err := apply.Run(t.Context(), c)
				if !errors.As(err, &stuck) || !strings.Contains(stuck.Why, "(postgres, report), idle in transaction, for ") ||
					!strings.Contains(stuck.Why, "it does not see what the backfill wrote") {
					t.Fatal(err)
				}
				if got := readAll(t, report, kind.before); got != "300 rows, 300 values" {
					t.Errorf("the old snapshot reads %q, want 300 rows, 300 values", got)
				}
				pgservertest.Exec(t, report, "COMMIT")
				c.Within = 20 * time.Second
				runPlan(t, c)
				if got := readAll(t, report, kind.after); got != "300 rows, 300 values" {
					t.Errorf("after the plan a report reads %q, want 300 rows, 300 values", got)
				}
			})
		})
	}
}

// Who counts, and who does not: a step waits for nobody that sees all rows, or reads none.
func TestSnapshotHolders(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := twoPhases(t, major)
		name, err := s.NewDatabase(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		db := s.URL(name)
		run(t, db, base, rows, `CREATE FUNCTION slow(id bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN id; END'`)
		// None of these counts, although each is older than the backfill.
		other := pgservertest.Connect(t, s.URL("postgres"))
		pgservertest.Exec(t, other, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
		writer := called(t, db, "writer")
		pgservertest.Exec(t, writer, "CREATE TABLE written (id int)", "BEGIN", "INSERT INTO written VALUES (1)")
		build := called(t, db, "build")
		building := make(chan error, 1)
		go func() {
			_, err := build.Exec(t.Context(), "CREATE INDEX CONCURRENTLY ON customers (slow(id))")
			building <- err
		}()
		until(t, "the build of an index", func() bool {
			return len(content(t, db, "SELECT 'x' FROM pg_stat_activity WHERE application_name = 'build' AND backend_xmin IS NOT NULL AND wait_event = 'PgSleep'")) > 0
		})
		runPlan(t, apply.Config{DB: db, Plan: p})
		pgservertest.Exec(t, writer, "COMMIT")
		young := openSnapshot(t, db) // it sees all rows
		finishPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract, Within: 5 * time.Second})
		if got := readAll(t, young, "remark"); got != "6000 rows, 6000 values" {
			t.Errorf("a snapshot from after the backfill reads %q, want 6000 rows, 6000 values", got)
		}
		run(t, db, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'build'")
		if err := <-building; err == nil || !strings.Contains(err.Error(), "57014") {
			t.Errorf("the build of the index had to be under way: %v", err)
		}
	})
}

// A prepared transaction keeps the snapshots of others old, so it counts. A reason overrides old snapshots, and the log has it, with those who were
// there.
func TestAcceptedSnapshots(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	s := twoPhases(t, onward.NewestMajor)
	name, err := s.NewDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	db := s.URL(name)
	run(t, db, base, rows, "CREATE TABLE written (id int)", "BEGIN", "INSERT INTO written VALUES (1)", "PREPARE TRANSACTION 'two phases'")
	report := openSnapshot(t, db)
	runPlan(t, apply.Config{DB: db, Plan: p})
	c := apply.Config{DB: db, Plan: p, Through: onward.Contract, Within: 500 * time.Millisecond}
	stuck := new(apply.UnfinishedError)
	if _, err := apply.Run(t.Context(), c); !errors.As(err, &stuck) || !strings.Contains(stuck.Why, `the prepared transaction "two phases", for `) ||
		!strings.Contains(stuck.Why, "report") {
		t.Fatal(err)
	}
	c.AcceptOldSnapshots = "the report reads other tables"
	finishPlan(t, c)
	log, err := apply.Log(t.Context(), db, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(log, func(e onward.LogEntry) bool {
		return e.Event == "old snapshots accepted" && strings.HasPrefix(e.Detail, "the report reads other tables (although ") && strings.Contains(e.Detail, "report)")
	}) {
		t.Errorf("the log lacks the accepted snapshot with its reason: %+v", log)
	}
	pgservertest.Exec(t, report, "ROLLBACK")
	run(t, db, "ROLLBACK PREPARED 'two phases'")
}

// A snapshot on a standby is named. It is waited for if the user asks for that.
func TestStandbySnapshots(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	primary, standby, db := pair(t, onward.NewestMajor)
	primaryURL, standbyURL := primary.URL(db), standby.URL(db)
	if !replayed(t, primaryURL, standbyURL, 20*time.Second) {
		t.Fatal("the standby does not follow")
	}
	report := openSnapshot(t, standbyURL)
	c := apply.Config{DB: primaryURL, Plan: p, Replicas: []string{standbyURL}}
	runPlan(t, c)
	var events teller
	c.Through, c.Within, c.WaitForStandbys = onward.Contract, 500*time.Millisecond, true
	stuck := new(apply.UnfinishedError)
	if _, err := apply.Run(t.Context(), c); !errors.As(err, &stuck) || !strings.Contains(stuck.Why, "idle in transaction on the standby ") {
		t.Fatal(err)
	}
	c.Within, c.WaitForStandbys, c.Tell = 20*time.Second, false, events.tell
	finishPlan(t, c)
	if !events.has(apply.Warned, "not waited for without --wait-for-standbys: process ") {
		t.Errorf("no warning about the standby's process: %+v", events.list)
	}
	pgservertest.Exec(t, report, "ROLLBACK")
}

// A slot keeps a snapshot for a standby that may be away.
func TestSlotSnapshots(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	primary, err := pgserver.Start(t.Context(), pgserver.Config{Major: onward.NewestMajor, Small: true, Settings: map[string]string{"synchronous_commit": "local"}})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = primary.Stop() })
	name, err := primary.NewDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	primaryURL := primary.URL(name)
	run(t, primaryURL, base, rows, "SELECT pg_create_physical_replication_slot('away')")
	standby, err := pgserver.StartStandby(t.Context(), pgserver.Config{Small: true, Settings: map[string]string{
		"primary_slot_name": "away", "hot_standby_feedback": "on", "wal_receiver_status_interval": "1s", "max_standby_streaming_delay": "-1",
	}}, primary)
	if err != nil {
		t.Fatal(err)
	}
	standbyURL := standby.URL(name)
	openSnapshot(t, standbyURL)
	until(t, "the snapshot in the slot", func() bool {
		return len(content(t, primaryURL, "SELECT 'x' FROM pg_replication_slots WHERE xmin IS NOT NULL")) > 0
	})
	_ = standby.Stop() // the slot keeps what it has
	runPlan(t, apply.Config{DB: primaryURL, Plan: p})
	var events teller
	c := apply.Config{DB: primaryURL, Plan: p, Through: onward.Contract, Within: 500 * time.Millisecond, WaitForStandbys: true}
	stuck := new(apply.UnfinishedError)
	if _, err := apply.Run(t.Context(), c); !errors.As(err, &stuck) || !strings.Contains(stuck.Why, "the replication slot away ") {
		t.Fatal(err)
	}
	c.Within, c.WaitForStandbys, c.Tell = 20*time.Second, false, events.tell
	finishPlan(t, c)
	if !events.has(apply.Warned, "the replication slot away keeps a snapshot from before the end of the backfill") {
		t.Errorf("no warning about the snapshot of the replication slot: %+v", events.list)
	}
}
