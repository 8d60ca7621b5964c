package traffic_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

const shop = `
CREATE TYPE state AS ENUM ('new', 'paid');
CREATE DOMAIN mail AS varchar(60) CHECK (VALUE LIKE '%@%');
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email mail NOT NULL UNIQUE, name text, note text DEFAULT 'x');
CREATE UNIQUE INDEX ON users (lower(name));
CREATE TABLE orders (id serial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, state state NOT NULL DEFAULT 'new', total numeric(10,2) CHECK (total > 0), at timestamptz NOT NULL DEFAULT now());
INSERT INTO users (email, name) SELECT 'u' || i || '@example.org', 'User ' || i FROM generate_series(1, 3000) i;
INSERT INTO orders (user_id, total) SELECT 1 + i % 3000, 1 + i FROM generate_series(1, 5000) i;
ANALYZE;`

// scene is a database with a load on it and a session that migrates.
type scene struct {
	t       *testing.T
	url     string
	migrate *pgx.Conn
	load    *traffic.Load
	zero    time.Time
	held    []traffic.Held
}

// each runs a test on the oldest and the newest server.
func each(t *testing.T, run func(t *testing.T, url string)) {
	t.Parallel()
	majors := pgservertest.Majors()
	for _, major := range []int{majors[0], majors[len(majors)-1]} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			run(t, pgservertest.Database(t, major))
		})
	}
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func begin(t *testing.T, url, schema string, c traffic.Config) *scene {
	t.Helper()
	s := &scene{t: t, url: url, migrate: connect(t, url)}
	s.exec(schema)
	c.URL = url
	load, err := traffic.StartLoad(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.load, s.zero = load, time.Now()
	t.Cleanup(func() { load.Stop() })
	return s
}

func (s *scene) exec(sql string) {
	s.t.Helper()
	if _, err := s.migrate.Exec(context.Background(), sql); err != nil {
		s.t.Fatalf("exec %q: %v", sql, err)
	}
}

// hold runs a statement in a transaction of its own that goes on for a while.
func (s *scene) hold(sql, relation string, lock onward.Lock, lasts time.Duration) {
	s.t.Helper()
	s.exec("BEGIN")
	from := time.Now()
	s.exec(sql)
	time.Sleep(lasts)
	s.exec("COMMIT")
	s.held = append(s.held, traffic.Held{Statement: len(s.held), Relation: relation, Lock: lock, From: from, Until: time.Now()})
}

func (s *scene) end() (*onward.Traffic, map[int]traffic.Cost) {
	s.t.Helper()
	time.Sleep(50 * time.Millisecond) // for those who waited to get through
	t, costs := traffic.SummariseLog(s.load.Stop(), s.zero, s.held)
	return t, costs
}

var both = []string{"public.users", "public.orders"}

const second = 300 * time.Millisecond // as long as a test's lock lasts; stalls are at least most of it

func TestAccessExclusive(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, Workers: 8})
		s.hold("LOCK TABLE users IN ACCESS EXCLUSIVE MODE", "public.users", onward.AccessExclusiveLock, 2*second)
		got, costs := s.end()
		stall := only(t, got, "public.users", 0)
		if stall.Kind != "read and write" {
			t.Errorf("kind %q, want reads and writes", stall.Kind)
		}
		if costs[0].Stall < 250*time.Millisecond || costs[0].Waited < 2 || costs[0].Waited != got.Waited {
			t.Errorf("costs %+v, waited %d", costs, got.Waited)
		}
		if got.WorstMS < 250 || got.UsualMS <= 0 || got.UsualMS >= got.WorstMS {
			t.Errorf("worst %v ms, usual %v ms", got.WorstMS, got.UsualMS)
		}
		noFailures(t, got)
	})
}

// only is the stall that is blamed on a statement; others would be wrong.
func only(t *testing.T, got *onward.Traffic, relation string, statement int) onward.Stall {
	t.Helper()
	var longest onward.Stall
	for _, s := range got.Stalls {
		if s.Relation != relation || s.Statement != statement {
			t.Errorf("stall %+v, want only %s behind statement %d", s, relation, statement)
		}
		if s.UntilMS-s.FromMS > longest.UntilMS-longest.FromMS {
			longest = s
		}
	}
	if longest.UntilMS-longest.FromMS < 250 || longest.Queries < 1 || longest.Query == "" {
		t.Fatalf("stalls %+v, want one of 250 ms", got.Stalls)
	}
	return longest
}

func noFailures(t *testing.T, got *onward.Traffic) {
	t.Helper()
	if got.Failed != 0 || len(got.Failures) != 0 {
		t.Errorf("failures %+v", got.Failures)
	}
	if got.Queries == 0 {
		t.Error("no queries")
	}
}

func TestShareStopsWritesOnly(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, Workers: 8})
		// All workers reach a write to orders in time.
		s.hold("LOCK TABLE orders IN SHARE MODE", "public.orders", onward.ShareLock, 4*second)
		got, _ := s.end()
		if stall := only(t, got, "public.orders", 0); stall.Kind != "write" {
			t.Errorf("kind %q, want writes only", stall.Kind)
		}
		noFailures(t, got)
	})
}

func TestQueueBehindLongTransaction(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, LongTransaction: 3 * second})
		from := time.Now()
		s.exec("ALTER TABLE users ADD COLUMN age int") // at once, but for the long transaction
		s.held = []traffic.Held{{Statement: 7, Relation: "public.users", Lock: onward.AccessExclusiveLock, From: from, Until: time.Now()}}
		got, costs := s.end()
		only(t, got, "public.users", 7)
		if costs[7].Stall < 250*time.Millisecond {
			t.Errorf("costs %+v", costs)
		}
		if long := got.LongTransaction; long == nil || long.UntilMS-long.FromMS < 850 {
			t.Errorf("long transaction %+v", long)
		}
		noFailures(t, got)
	})
}

func TestConcurrentIndexStopsNobody(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, LongReader: true})
		from := time.Now()
		s.exec("CREATE INDEX CONCURRENTLY ON orders (user_id)")
		s.held = []traffic.Held{{Relation: "public.orders", Lock: onward.ShareUpdateExclusiveLock, From: from, Until: time.Now()}}
		time.Sleep(second)
		got, costs := s.end()
		if len(got.Stalls) != 0 || got.Waited != 0 || len(costs) != 0 {
			t.Errorf("stalls %+v, want none", got.Stalls)
		}
		noFailures(t, got)
	})
}

func TestRowsAreWaitedFor(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, Workers: 8})
		s.hold("UPDATE orders SET total = total + 1", "public.orders", onward.RowExclusiveLock, 4*second)
		got, _ := s.end()
		if stall := only(t, got, "public.orders", 0); stall.Kind != "write" || !strings.HasPrefix(stall.Query, "UPDATE") {
			t.Errorf("stall %+v, want updates", stall)
		}
		noFailures(t, got)
	})
}

// A write to orders looks its user up, and waits there.
func TestForeignKeyWaitsElsewhere(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both[1:], Workers: 8})
		s.hold("LOCK TABLE users IN EXCLUSIVE MODE", "public.users", onward.ExclusiveLock, 4*second)
		got, _ := s.end()
		if stall := only(t, got, "public.users", 0); stall.Kind != "write" || !strings.Contains(stall.Query, "orders") {
			t.Errorf("stall %+v, want inserts into orders", stall)
		}
		noFailures(t, got)
	})
}

func TestFailures(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, LongReader: true})
		s.exec("ALTER TABLE users DROP COLUMN name")
		s.exec("ALTER TABLE orders ALTER COLUMN at DROP DEFAULT, ALTER COLUMN at TYPE text")
		time.Sleep(4 * second)
		got, _ := s.end()
		var codes []string
		for _, f := range got.Failures {
			if f.Count < 1 || f.AtMS < 0 || f.Query == "" || f.Error.Message == "" {
				t.Errorf("failure %+v", f)
			}
			if f.Relation == "public.users" && f.Error.Code == "42703" && !strings.Contains(f.Error.Message, "name") {
				t.Errorf("failure %+v, want the column's name", f)
			}
			codes = append(codes, f.Relation+" "+f.Error.Code)
		}
		// The dropped column; and a plan whose result has another type now.
		for _, want := range []string{"public.users 42703", "public.orders 0A000"} {
			if !slices.Contains(codes, want) {
				t.Errorf("failures %v, want %s", codes, want)
			}
		}
		if got.Failed == 0 || got.Failed > got.Queries {
			t.Errorf("%d of %d queries failed", got.Failed, got.Queries)
		}
	})
}

// Inserts of the usual kind are part of the load, not only of nothing.
func TestWritesAreReal(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		const count = `
CREATE SEQUENCE seen;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('seen'); RETURN NEW; END$$;
CREATE TRIGGER see AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION see();`
		s := begin(t, url, shop+count, traffic.Config{Relations: both})
		time.Sleep(second)
		s.end()
		var called bool
		var seen int
		if err := s.migrate.QueryRow(context.Background(), "SELECT is_called, last_value FROM seen").Scan(&called, &seen); err != nil {
			t.Fatal(err)
		}
		if !called || seen < 4 { // three are trials
			t.Errorf("%d rows were inserted", seen)
		}
	})
}

func TestNothingToLoad(t *testing.T) {
	t.Parallel()
	s := begin(t, pgservertest.Database(t, pgservertest.Majors()[0]), "", traffic.Config{Relations: []string{"public.missing"}, LongTransaction: time.Minute})
	got, _ := s.end()
	if got.Queries != 0 || len(got.Stalls) != 0 || got.LongTransaction != nil {
		t.Errorf("traffic on a missing table: %+v, want no queries, stalls or long transaction", got)
	}
	if _, err := traffic.StartLoad(context.Background(), traffic.Config{URL: "postgres://localhost:1/none"}); err == nil {
		t.Error("no error without a server")
	}
}

// A long transaction alone: no query, and its time begins when StartLoad returns.
func TestLongTransactionAlone(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: []string{"public.orders"}, Workers: -1, LongTransaction: 300 * time.Millisecond})
		started := time.Now()
		s.exec("ALTER TABLE orders ADD COLUMN note text") // waits for it
		if waited := time.Since(started); waited < 250*time.Millisecond {
			t.Errorf("the transaction was over after %v", waited)
		}
		got, _ := traffic.SummariseLog(s.load.Stop(), started, nil)
		if got.Queries != 0 || got.LongTransaction == nil {
			t.Errorf("%d queries, long transaction %+v", got.Queries, got.LongTransaction)
		}
	})
}
