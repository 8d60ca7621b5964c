package apply_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// pair is a primary with a database, and a standby that streams from it and never ends a query of its own accord.
func pair(t *testing.T, major int) (primary, standby *pgserver.Server, db string) {
	t.Helper()
	ctx := context.Background()
	primary, err := pgserver.Start(ctx, pgserver.Config{
		Major:    major,
		Small:    true,
		Settings: map[string]string{"synchronous_commit": "local", "full_page_writes": "on"},
	})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = primary.Stop() })
	if db, err = primary.NewDatabase(ctx, ""); err != nil {
		t.Fatal(err)
	}
	run(t, primary.URL(db), base, rows)
	standby, err = pgserver.StartStandby(ctx, pgserver.Config{Small: true, Settings: map[string]string{"max_standby_streaming_delay": "-1"}}, primary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standby.Stop() })
	return primary, standby, db
}

// reads begins a query on a table and leaves it there; the function ends it.
func reads(t *testing.T, url string) (end func()) {
	t.Helper()
	conn := pgservertest.Connect(t, url)
	pgservertest.Exec(t, conn, "SET application_name = 'reports'", "BEGIN", "SELECT count(*) FROM orders")
	return func() { pgservertest.Exec(t, conn, "COMMIT") }
}

// replayed waits for what the primary has written.
func replayed(t *testing.T, primary, standby string, patience time.Duration) bool {
	t.Helper()
	lsn := strings.Join(content(t, primary, "SELECT pg_current_wal_lsn()::text"), "")
	conn := pgservertest.Connect(t, standby)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var hasReplayed bool
		if err := conn.QueryRow(t.Context(), "SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", lsn).Scan(&hasReplayed); err != nil {
			t.Fatal(err)
		}
		if hasReplayed {
			return true
		}
	}
	return false
}

// A query on a standby delays the replay of a step, for everybody who reads there. If the standby is named, the step waits for
// the query and says whose it is, and the replay never stops.
func TestReplica(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN token uuid;")
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		primary, standby, db := pair(t, major)
		primaryURL, standbyURL := primary.URL(db), standby.URL(db)
		if !replayed(t, primaryURL, standbyURL, 20*time.Second) {
			t.Fatal("the standby does not follow")
		}
		end := reads(t, standbyURL)
		var events teller
		waitForRun := background(func() (*onward.Applied, error) {
			return apply.Run(t.Context(), apply.Config{DB: primaryURL, Plan: p, Replicas: []string{standbyURL}, Tell: events.tell})
		})
		until(t, "the standby's query", func() bool {
			return events.has(apply.Waits, "(postgres, reports), idle in transaction on the standby ")
		})
		if !events.has(apply.Waits, "holds ACCESS SHARE on public.orders") {
			t.Errorf("no event names the blocker: %+v", events.list)
		}
		if list := content(t, primaryURL, "SELECT attname::text FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'token'"); len(list) > 0 {
			t.Error("the step was taken although the standby's query was there")
		}
		if !replayed(t, primaryURL, standbyURL, 10*time.Second) {
			t.Error("the replay stands still")
		}
		end()
		if r, err := waitForRun(); err != nil || r.State != onward.ApplyDone {
			t.Fatalf("apply after the standby's query = %+v, %v, want it done", r, err)
		}
		if !replayed(t, primaryURL, standbyURL, 20*time.Second) {
			t.Error("the replay stands still behind the step")
		}

		// The same without its name.
		end = reads(t, standbyURL)
		secondPlan := planned(t, base+"ALTER TABLE orders ADD COLUMN token uuid;", "ALTER TABLE orders ADD COLUMN other int;")
		runPlan(t, apply.Config{DB: primaryURL, Plan: secondPlan})
		if replayed(t, primaryURL, standbyURL, time.Second) {
			t.Error("the replay does not wait for the standby's query: then nobody has to")
		}
		end()
		if !replayed(t, primaryURL, standbyURL, 20*time.Second) {
			t.Error("the replay does not go on")
		}
	})
}

// A server that is not a standby of this database is refused before anything starts. One that is lost later is waited for.
func TestReplicaRefused(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN token uuid;")
	primary, standby, db := pair(t, onward.NewestMajor)
	primaryURL, standbyURL := primary.URL(db), standby.URL(db)
	stranger := pgservertest.Database(t, onward.OldestMajor) // servers of one version come from one initdb
	for url, want := range map[string]string{
		primaryURL:              "is not in recovery",
		stranger:                "is not in recovery",
		standby.URL("postgres"): `was asked for the database "postgres", and the primary for`,
	} {
		_, err := apply.Run(t.Context(), apply.Config{DB: primaryURL, Plan: p, Replicas: []string{standbyURL, url}})
		if wrong := new(config.InputError); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("apply with a wrong replica = %v, want %q", err, want)
		}
	}
	_, err := apply.Run(t.Context(), apply.Config{DB: stranger, Plan: p, Replicas: []string{standbyURL}})
	if wrong := new(config.InputError); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "is of another system") {
		t.Error(err)
	}
	_, err = apply.Run(t.Context(), apply.Config{DB: primaryURL, Plan: p, Replicas: []string{"postgres://u:geheim@127.0.0.1:1/x"}})
	if down := new(apply.ServerError); !errors.As(err, &down) || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Error(err)
	}
	if list := content(t, primaryURL, "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'onward%'"); len(list) > 0 {
		t.Error("something was begun: ", list)
	}

	end := reads(t, standbyURL)
	var events teller
	waitForRun := background(func() (*onward.Applied, error) {
		return apply.Run(t.Context(), apply.Config{DB: primaryURL, Plan: p, Replicas: []string{standbyURL}, Within: 2 * time.Second, Tell: events.tell})
	})
	until(t, "the standby's query", func() bool { return events.has(apply.Waits, "on the standby ") })
	_ = end // it ends with its server
	if err := standby.Stop(); err != nil {
		t.Fatal(err)
	}
	_, err = waitForRun()
	if late := new(apply.UnfinishedError); !errors.As(err, &late) || !strings.Contains(err.Error(), "cannot be asked") {
		t.Error(err)
	}
	if !events.has(apply.Waits, "cannot be asked") {
		t.Errorf("no event reports the lost standby: %+v", events.list)
	}
	if list := content(t, primaryURL, "SELECT attname::text FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'token'"); len(list) > 0 {
		t.Error("the step was taken although nobody knows of the standby")
	}
}

// A backfill pauses while a named standby does not replay, even if the primary does not know it: this one is a cascading standby
// of one that keeps up.
func TestReplicaThrottles(t *testing.T) {
	t.Parallel()
	primary, standby, db := pair(t, onward.NewestMajor)
	last, err := pgserver.StartStandby(t.Context(), pgserver.Config{Small: true}, standby)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = last.Stop() })
	primaryURL, standbyURL := primary.URL(db), last.URL(db)
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	runPlan(t, apply.Config{DB: primaryURL, Plan: p, Through: onward.Expand})
	if !replayed(t, primaryURL, standbyURL, 20*time.Second) {
		t.Fatal("the standby behind the other does not follow")
	}
	run(t, standbyURL, "SELECT pg_wal_replay_pause()")
	if _, err := apply.Control(t.Context(), primaryURL, "", apply.Tune, apply.Tuning{Rows: apply.FewestRows, Rest: 20}, "test"); err != nil { // it lasts
		t.Fatal(err)
	}
	var events teller
	c := apply.Config{DB: primaryURL, Plan: p, Replicas: []string{standbyURL}, Tell: events.tell, Throttle: apply.Limits{Lag: 500 * time.Millisecond}}
	waitForRun := background(func() (*onward.Applied, error) { return apply.Run(t.Context(), c) })
	until(t, "the standby's lag", func() bool {
		return events.has(apply.Throttled, "the standby ") && events.has(apply.Throttled, " lags by ")
	})
	run(t, standbyURL, "SELECT pg_wal_replay_resume()")
	if _, err := apply.Control(t.Context(), primaryURL, "", apply.Tune, apply.Tuning{Rows: apply.MostRows, Rest: -1}, "test"); err != nil {
		t.Fatal(err)
	}
	until(t, "that it goes on", func() bool { return events.has(apply.Throttled, "goes on") })
	if _, err := waitForRun(); err != nil {
		t.Error(err)
	}
}
