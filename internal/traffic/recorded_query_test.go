package traffic_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// seen is a recorded query.
func seen(id, sender, sql string, calls int64, params ...string) workload.Query {
	q := workload.Query{ID: id, SQL: sql, Kind: workload.Select, Params: params, Calls: calls}
	if sender != "" {
		q.Senders = []workload.Sender{{Place: sender, Calls: calls}}
	}
	return q
}

func recording(queries ...workload.Query) []*workload.Workload {
	return []*workload.Workload{{Schema: workload.Schema, Sources: []string{"record"}, Queries: queries}}
}

func names(list []onward.Waiter) (out []string) {
	for _, w := range list {
		out = append(out, w.Sender)
	}
	return out
}

// shopSum changes with every row of the shop's.
func (s *scene) shopSum() (sum string) {
	s.t.Helper()
	const sql = `SELECT concat((SELECT md5(string_agg(concat(id, email, name), ',' ORDER BY id)) FROM users), (SELECT md5(string_agg(concat(id, user_id, total), ',' ORDER BY id)) FROM orders))`
	if err := s.migrate.QueryRow(context.Background(), sql).Scan(&sum); err != nil {
		s.t.Fatal(err)
	}
	return sum
}

// Who waits is known by name: the page that asks the table that is locked, and not the
// one that asks another.
func TestWhoWaits(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, Recordings: recording(
			seen("a1", "checkout", `SELECT "o"."id" FROM "orders" "o" WHERE "o"."user_id" = $1 LIMIT $2`, 10, "bigint", "integer"),
			seen("a2", "checkout", "INSERT INTO orders (user_id, total) VALUES ($1, $2) RETURNING id", 3, "bigint", "numeric"),
			seen("b1", "profile", "SELECT name FROM users WHERE email = $1", 20, "text"),
			seen("b2", "profile", "UPDATE users SET name = $1 WHERE id = $2", 20, "text", "bigint"),
			seen("c1", "", "SELECT count(*) FROM pg_am WHERE amname = $1", 20, "name"),
		)})
		before := s.shopSum()
		s.hold("ALTER TABLE orders ADD COLUMN note text", "public.orders", onward.AccessExclusiveLock, 2*second)
		got, _ := s.end()
		noFailures(t, got)
		if waiters := names(got.Waiters); !slices.Equal(waiters, []string{"checkout"}) {
			t.Fatalf("%v waited, want checkout", waiters)
		}
		if w := got.Waiters[0]; w.Statement != 0 || w.WorstMS < 250 || w.Waits < 2 || !strings.Contains(w.Query, "orders") {
			t.Errorf("waiter %+v", w)
		}
		if r := got.Recorded; got.Source != "workload" || r.Queries != 5 || r.Run != 5 || r.Touching != 4 || len(r.Left) != 0 || len(r.MadeUp) != 0 {
			t.Errorf("source %s, %+v", got.Source, r)
		}
		if after := s.shopSum(); after != before {
			t.Errorf("the rows changed: %s, were %s", after, before)
		}
	})
}

// A query that a release breaks is reported with the statement after which it fails. Queries
// that the base already refuses are reported separately, and those that have nothing to do
// with the release not at all.
func TestRefusedByAStep(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, Recordings: recording(
			seen("a1", "checkout", "SELECT id, note FROM users WHERE id = $1", 10, "bigint"),
			seen("a2", "checkout", "SELECT id, nickname FROM users WHERE id = $1", 10, "bigint"),
			seen("b1", "profile", "SELECT name FROM users WHERE email = $1", 20, "text"),
			seen("b2", "signup", "INSERT INTO users (email, name) VALUES ($1, $2)", 20, "text", "text"),
			seen("b3", "signup", "INSERT INTO orders (user_id, state, total) VALUES ($1, $2, $3)", 20, "bigint", "state", "numeric"),
		)})
		s.hold("ALTER TABLE users ADD COLUMN age int", "public.users", onward.AccessExclusiveLock, 0)
		s.hold("ALTER TABLE users DROP COLUMN note", "public.users", onward.AccessExclusiveLock, 0)
		time.Sleep(2 * second)
		s.hold("ALTER TABLE orders ALTER COLUMN at SET DEFAULT NULL", "public.orders", onward.AccessExclusiveLock, 0)
		for i, sql := range []string{
			"ALTER TABLE users ADD COLUMN age int", "ALTER TABLE users DROP COLUMN note",
			"ALTER TABLE orders ALTER COLUMN at SET DEFAULT NULL",
		} {
			s.held[i].SQL = sql
		}
		time.Sleep(3 * second)
		got, _ := traffic.SummariseLog(s.load.FinishLoad(), s.zero, s.held)
		refused := map[string]onward.TrafficFailure{}
		for _, f := range got.Failures {
			refused[f.ID] = f
		}
		if f := refused["a1"]; f.Error.Code != "42703" || f.Sender != "checkout" || f.After == nil || *f.After != 1 || f.Count < 1 {
			t.Errorf("the column that was dropped: %+v", f)
		}
		if f := refused["b3"]; f.Error.Code != "23502" || f.Sender != "signup" || f.After == nil || *f.After != 2 {
			t.Errorf("the column that is required now: %+v", f)
		}
		if len(refused) != 2 {
			t.Errorf("refused %+v", got.Failures)
		}
		if len(got.Recorded.Left) != 1 {
			t.Fatalf("left out %+v", got.Recorded.Left)
		}
		if l := got.Recorded.Left[0]; l.Queries != 1 || l.Examples[0].ID != "a2" || l.Examples[0].Error.Code != "42703" || l.Examples[0].Sender != "checkout" {
			t.Errorf("left out %+v", l)
		}
	})
}

// A transaction holds what it has until its end.
func TestTransactionHolds(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		list := recording(
			seen("a1", "checkout", "UPDATE solo SET n = n + $1 WHERE id = $2", 10, "integer", "integer"),
			seen("a2", "checkout", "SELECT n FROM solo WHERE id = $1", 10, "integer"))
		list[0].Sequences = []workload.Sequence{{Transaction: "commit", Count: 10, IdleMS: 1500, Steps: []workload.Step{{Query: "a1"}, {Query: "a2"}}}}
		s := begin(t, url, "CREATE TABLE solo (id int PRIMARY KEY, n int); INSERT INTO solo VALUES (7, 1)",
			traffic.Config{Relations: []string{"public.solo"}, Workers: 1, Recordings: list})
		inARow := 0
		for until := time.Now().Add(20 * time.Second); inARow < 5 && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
			_, err := s.migrate.Exec(context.Background(), "SELECT FROM solo WHERE id = 7 FOR UPDATE NOWAIT")
			var pg *pgconn.PgError
			if inARow++; err == nil {
				inARow = 0
			} else if !errors.As(err, &pg) || pg.Code != "55P03" {
				t.Fatal(err)
			}
		}
		if inARow < 5 {
			t.Error("the row was not held for fifty milliseconds")
		}
		got, _ := s.end()
		noFailures(t, got)
		if got.Recorded.Transactions != 1 {
			t.Errorf("the recorded traffic is %+v, want 1 transaction", got.Recorded)
		}
		var n int
		if err := s.migrate.QueryRow(context.Background(), "SELECT n FROM solo").Scan(&n); err != nil || n != 1 {
			t.Errorf("the row has %d (%v): it was changed", n, err)
		}
	})
}

// A recording is a stranger's: what it must not do is left out, and the load ends.
func TestEvilRecording(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		const schema = `CREATE TABLE marks (id int); CREATE FUNCTION nap() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1 FROM pg_sleep(1000)';
CREATE FUNCTION writes() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO marks VALUES (1) RETURNING id';
CREATE SEQUENCE counter;`
		evil := []string{
			"SELECT pg_sleep(1000)", "SELECT pg_catalog.pg_sleep($1) FROM users", `SELECT "pg_terminate_backend"(pid) FROM pg_stat_activity`, "SELECT nap(), id FROM users",
			"COPY users TO PROGRAM 'touch /tmp/onward_evil'", "COPY (SELECT 1 FROM users) TO '/tmp/onward_evil'", "DO $$ BEGIN DROP TABLE users; END $$", "DROP TABLE users", "TRUNCATE orders",
			"COMMIT", "COMMIT; DROP TABLE users", "SELECT 1; DROP TABLE users", "LISTEN x", "SET statement_timeout = 1", "SELECT set_config('search_path', 'x', false) FROM users",
			"UPDATE pg_settings SET setting = '1' WHERE name = 'statement_timeout'", "SELECT setval('counter', 1000)", "SELECT pg_advisory_lock($1) FROM users", "SELECT lo_import('/etc/passwd')",
			"SELECT * INTO copies FROM users", "WITH x AS (SELECT pg_cancel_backend(pid) FROM pg_stat_activity) SELECT * FROM x", "SELECT query_to_xml('SELECT pg_sleep(9)', true, true, '')",
			"SELECT dblink('host=/tmp', 'SELECT 1')", "SELECT count(*) FROM generate_series(1, 1000000000000)", "PREPARE x AS SELECT 1", "EXPLAIN ANALYZE DELETE FROM users", "LOCK users", "SELECT (", "",
		}
		list := recording(seen("ok", "checkout", "SELECT id FROM users WHERE id = $1", 1, "bigint"), seen("writes", "", "SELECT writes() FROM users LIMIT 1", 1))
		for i, sql := range evil {
			q := seen(string(rune('A'+i))+"x", "evil", sql, 1000, "double precision")
			q.Uses = []workload.Use{{Relation: "public.users"}}
			list[0].Queries = append(list[0].Queries, q)
		}
		began := time.Now()
		s := begin(t, url, shop+schema, traffic.Config{Relations: both, Recordings: list})
		before := s.shopSum()
		time.Sleep(2 * second)
		got, _ := s.end()
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
		noFailures(t, got)
		if r := got.Recorded; r.Run != 2 || r.Touching != 2 {
			t.Errorf("%d run, want 2: left out %+v", r.Run, r.Left)
		}
		if after := s.shopSum(); after != before {
			t.Errorf("the rows changed: %s, were %s", after, before)
		}
		var marks, counter int
		if err := s.migrate.QueryRow(context.Background(), "SELECT (SELECT count(*) FROM marks), (SELECT last_value FROM counter)").Scan(&marks,
			&counter); err != nil || marks != 0 || counter != 1 {
			t.Errorf("%d marks, counter at %d: %v", marks, counter, err)
		}
		if len(got.Recorded.MadeUp) != 1 || got.Recorded.MadeUp[0] != "public.orders" {
			t.Errorf("made up on %v", got.Recorded.MadeUp)
		}
	})
}

// A recording of another schema is reported as such, and the load is made up.
func TestAnotherSchema(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both, Recordings: recording(
			seen("a", "blog", "SELECT title FROM posts WHERE id = $1", 5, "bigint"),
			seen("b", "blog", "SELECT headline FROM users WHERE id = $1", 5, "bigint"))})
		s.hold("LOCK TABLE users IN ACCESS EXCLUSIVE MODE", "public.users", onward.AccessExclusiveLock, 2*second)
		got, _ := s.end()
		only(t, got, "public.users", 0)
		noFailures(t, got)
		if r := got.Recorded; got.Source != "schema" || r.Run != 0 || len(r.Left) != 1 || r.Left[0].Queries != 2 || r.Left[0].Calls != 10 ||
			!slices.Equal(r.MadeUp, both) && len(r.MadeUp) != 2 {
			t.Errorf("source %s, %+v", got.Source, r)
		}
		if len(got.Waiters) != 0 {
			t.Errorf("waiters %+v", got.Waiters)
		}
	})
}
