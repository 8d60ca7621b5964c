package traffic_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/onward"
)

// What the load does leaves no trace, and a release that only adds to the
// schema, or makes unique what is, breaks none of its queries.
func TestDataStays(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		const schema = `
CREATE TYPE comp AS (a int, b text);
CREATE TABLE plain (a int, b text);
CREATE TABLE "Odd ""name""" ("se lect" uuid PRIMARY KEY, "ü" date NOT NULL, doc jsonb NOT NULL, tags text[] NOT NULL);
CREATE TABLE parts (id int, at date, v int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
CREATE TABLE profile (user_id bigint PRIMARY KEY REFERENCES users, code char(3) UNIQUE, twice int GENERATED ALWAYS AS (length(code)) STORED);
CREATE TABLE nothing ();
CREATE VIEW v AS SELECT id, email FROM users;
CREATE MATERIALIZED VIEW m AS SELECT * FROM orders WITH NO DATA;
CREATE TABLE large (id int PRIMARY KEY, filler text);
CREATE DOMAIN must AS int NOT NULL CHECK (VALUE > 0);
CREATE TABLE blank (id int PRIMARY KEY, n must, t time NOT NULL, s state NOT NULL);
CREATE TABLE partial (id int PRIMARY KEY, kind int, active bool);
CREATE UNIQUE INDEX ON partial (kind) WHERE active;
CREATE TABLE hash (id int PRIMARY KEY, v comp) PARTITION BY HASH (id);
CREATE TABLE hash_0 PARTITION OF hash FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hash_1 PARTITION OF hash FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE booked (during int4range, EXCLUDE USING gist (during WITH &&));
INSERT INTO plain SELECT i, i FROM generate_series(1, 100) i;
INSERT INTO parts SELECT i, date '2020-06-01' + i * 3, i FROM generate_series(1, 150) i;
INSERT INTO profile (user_id, code) SELECT i, i FROM generate_series(1, 500) i;
INSERT INTO large SELECT i, repeat('x', 100) FROM generate_series(1, 20000) i;
INSERT INTO partial SELECT i, i, i > 1 FROM generate_series(1, 50) i;
INSERT INTO hash SELECT i, (i, 'x,"y')::comp FROM generate_series(1, 100) i;
INSERT INTO booked SELECT int4range(i, i + 1) FROM generate_series(1, 50) i;
ANALYZE;`
		relations := append(slices.Clone(both), "public.plain", `public.Odd "name"`, "public.parts", "public.parts_1", "public.profile", "public.nothing",
			"public.v", "public.m", "public.large", "public.blank", "public.partial", "public.hash", "public.hash_0", "public.booked", "public.missing")
		s := begin(t, url, shop+schema, traffic.Config{Relations: relations, LongReader: true, LongTransaction: time.Minute})
		before := s.sum()
		time.Sleep(2 * second)
		// With a plain column more, the queries go on; what was there stays unique.
		if after := s.sum(); after != before {
			t.Errorf("the rows changed: %s, were %s", after, before)
		}
		s.exec("CREATE UNIQUE INDEX ON plain (a)")
		s.exec("CREATE TABLE fresh (id int)")
		time.Sleep(second)
		got, _ := s.end()
		noFailures(t, got)
		if len(got.Stalls) > 0 && got.Stalls[0].Relation != "public.plain" {
			t.Errorf("stalls %+v", got.Stalls)
		}
		if got.LongTransaction == nil {
			t.Error("no long transaction")
		}
		done := 0
		for _, slot := range got.Slots {
			done += slot.Done
		}
		if done != got.Queries {
			t.Errorf("%d queries, %d in the slots", got.Queries, done)
		}
	})
}

func (s *scene) sum() (sum string) {
	s.t.Helper()
	var parts []string
	for _, table := range []string{"users", "orders", "plain", "parts", "profile", "booked", "large", "blank", "partial", "hash", `"Odd ""name"""`} {
		parts = append(parts, fmt.Sprintf("(SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM %s t)", table))
	}
	if err := s.migrate.QueryRow(context.Background(), "SELECT "+strings.Join(parts, " || ")).Scan(&sum); err != nil {
		s.t.Fatal(err)
	}
	return sum
}

// A query that still waits when the load is stopped is cancelled and counted.
func TestStopWhileWaiting(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both[:1]})
		from := time.Now()
		s.exec("BEGIN; LOCK TABLE users")
		time.Sleep(2 * second)
		log := s.load.Stop()
		got, costs := traffic.SummariseLog(log, s.zero, []traffic.Held{{
			Statement: 3,
			Relation:  "public.users",
			Lock:      onward.AccessExclusiveLock,
			From:      from,
			Until:     time.Now(),
		}})
		only(t, got, "public.users", 3)
		if costs[3].Waited == 0 || got.Failed != 0 || !log.Queries[0].Cancelled {
			t.Errorf("costs %+v, %d failed", costs, got.Failed)
		}
		if got.WorstMS < 250 {
			t.Errorf("worst %v ms", got.WorstMS)
		}
	})
}

// A session that the server ends is replaced.
func TestLostConnections(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, LongReader: true, LongTransaction: time.Minute})
		s.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'onward traffic' AND datname = current_database()")
		time.Sleep(4 * second)
		s.hold("LOCK TABLE users", "public.users", onward.AccessExclusiveLock, 3*second)
		got, _ := s.end()
		for _, f := range got.Failures {
			if f.Error.Code != "57P01" && f.Error.Code != "08006" {
				t.Errorf("failure %+v", f)
			}
		}
		only(t, got, "public.users", 0)
	})
}

// Not parallel: it counts goroutines.
func TestNothingStays(t *testing.T) {
	url := pgservertest.Database(t, pgservertest.Majors()[0])
	other, locker := connect(t, url), connect(t, url)
	pgservertest.Exec(t, other, shop)
	config := traffic.Config{URL: url, Relations: both, LongReader: true, LongTransaction: time.Minute}
	before := runtime.NumGoroutine()
	ends := map[string]func(cancel func(), load *traffic.Load){
		"stop":   func(_ func(), load *traffic.Load) { load.Stop() },
		"cancel": func(cancel func(), _ *traffic.Load) { cancel() },
	}
	for name, end := range ends {
		for _, locked := range []bool{false, true} {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			lockerDone := make(chan struct{})
			load, err := traffic.StartLoad(ctx, config)
			if err != nil {
				t.Fatal(err)
			}
			if locked {
				// It waits for the long transaction, and the load for it.
				go func() {
					defer close(lockerDone)
					locker.Exec(context.Background(), "BEGIN; SET LOCAL lock_timeout = '2s'; LOCK TABLE users")
					locker.Exec(context.Background(), "ROLLBACK")
				}()
				time.Sleep(100 * time.Millisecond)
			} else {
				close(lockerDone)
			}
			end(cancel, load)
			<-lockerDone
			until := time.Now().Add(20 * time.Second)
			for ; runtime.NumGoroutine() > before && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
			}
			if time.Now().After(until) {
				buf := make([]byte, 1<<20)
				t.Fatalf("%s: goroutines stay: %s", name, buf[:runtime.Stack(buf, true)])
			}
			load.Stop()
			var left int
			if err := other.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onward traffic'").Scan(&left); err != nil {
				t.Fatal(err)
			}
			for i := 0; left > 0 && i < 500; i++ { // a backend takes a moment to go
				time.Sleep(10 * time.Millisecond)
				if err := other.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'onward traffic'").Scan(&left); err != nil {
					t.Fatal(err)
				}
			}
			if left > 0 {
				t.Errorf("%s: %d sessions stay", name, left)
			}
		}
	}
}
