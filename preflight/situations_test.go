package preflight_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/preflight"
)

// TestLeftBehind: leftovers of earlier migrations and loads, on the oldest and the newest server, each next
// to a sound object of the same kind.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		c := pgservertest.Connect(t, url)
		run(t, c,
			"CREATE TABLE users (id int PRIMARY KEY, age int CONSTRAINT sound CHECK (age > 0), nickname text, kept text)",
			"CREATE TABLE orders (id bigint PRIMARY KEY, user_id int)",
			"ALTER TABLE orders ADD CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users NOT VALID",
			"ALTER TABLE users ADD CONSTRAINT users_adult CHECK (age > 17) NOT VALID",
			"CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
			"CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()",
			"CREATE TRIGGER users_other BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touch()",
			"ALTER TABLE users DISABLE TRIGGER users_touch",
			"COMMENT ON COLUMN users.nickname IS 'onward: deprecated 2020-01-01, remove after 2020-06-01'",
			"COMMENT ON COLUMN users.kept IS 'onward: deprecated, remove after 2999-01-01'",
		)
		r := flight(t, url)
		want(t, r, "constraint-left-not-valid", "warning", "public.orders.orders_user", "foreign key")
		want(t, r, "constraint-left-not-valid", "warning", "public.users.users_adult", "check constraint")
		want(t, r, "trigger-left-disabled", "public.users.users_touch", "is disabled")
		want(t, r, "column-past-sunset", "error", "public.users.nickname", "after 2020-06-01")
		for rule, n := range map[string]int{"constraint-left-not-valid": 2, "trigger-left-disabled": 1, "column-past-sunset": 1} {
			if got := found(r, rule); len(got) != n {
				t.Errorf("%s: %d findings, want %d: %q", rule, len(got), n, got)
			}
		}
		run(t, c, "ALTER TABLE orders DISABLE TRIGGER ALL", "ALTER TABLE orders VALIDATE CONSTRAINT orders_user",
			"ALTER TABLE users DROP CONSTRAINT users_adult", "ALTER TABLE users ENABLE TRIGGER users_touch", "ALTER TABLE users DROP COLUMN nickname")
		r = flight(t, url, func(c *preflight.Config) {
			c.Settings.Deprecated = map[string]string{"users.kept": "deprecated 2020-01-01, remove after 2021-01-01"}
		})
		wantNone(t, r, "constraint-left-not-valid")
		want(t, r, "trigger-left-disabled", "public.orders.orders_user", "foreign key orders_user is not enforced")
		want(t, r, "column-past-sunset", "public.users.kept", "after 2021-01-01")
	})
	t.Run("not enforced", func(t *testing.T) {
		t.Parallel()
		pgservertest.NeedMajor(t, 18, "NOT ENFORCED exists from 18 on")
		url := pgservertest.Database(t, 18)
		run(t, pgservertest.Connect(t, url), "CREATE TABLE users (age int, CONSTRAINT meant CHECK (age > 0) NOT ENFORCED)",
			"ALTER TABLE users ADD CONSTRAINT there NOT NULL age NOT VALID")
		if got := found(flight(t, url), "constraint-left-not-valid"); len(got) != 1 || !strings.Contains(got[0], "not-null constraint there") {
			t.Errorf("found %q", got)
		}
	})
}

// TestSequences: the columns that a sequence fills bound it, by their type.
func TestSequences(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, pgservertest.Connect(t, url),
			"CREATE TABLE small (id serial PRIMARY KEY)", "SELECT setval('small_id_seq', 1825361100)", // 85 %
			"CREATE TABLE tiny (id int GENERATED ALWAYS AS IDENTITY)", "SELECT setval('tiny_id_seq', 2104533975)", // 98 %
			"CREATE TABLE half (id serial)", "SELECT setval('half_id_seq', 1300000000)",
			"CREATE TABLE wide (id bigserial)", "SELECT setval('wide_id_seq', 2147483640)",
			"CREATE SEQUENCE lent", "CREATE TABLE borrower (id int DEFAULT nextval('lent'))", "SELECT setval('lent', 1900000000)",
			"CREATE SEQUENCE turns MAXVALUE 10 CYCLE", "SELECT setval('turns', 10)",
			"CREATE SEQUENCE down INCREMENT -1 MINVALUE -100 START -1", "SELECT setval('down', -90)",
			"CREATE SEQUENCE unused AS smallint",
		)
		r := flight(t, url)
		want(t, r, "sequence-near-end", "warning", "public.small.id", "85 %", "which is integer", "322 M are left")
		want(t, r, "sequence-near-end", "error", "public.tiny.id", "98 %")
		want(t, r, "sequence-near-end", "warning", "public.borrower.id", "sequence lent", "88 %")
		want(t, r, "sequence-near-end", "warning", "public.down", "90 %", "10 are left")
		if got := found(r, "sequence-near-end"); len(got) != 4 {
			t.Errorf("%d findings, want 4: %q", len(got), got)
		}
	})
}

// TestTransactions: sessions that hold locks, idle and prepared ones, with and without what
// a release touches.
func TestTransactions(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := specialDatabase(t, major)
		holder, quick := pgservertest.Connect(t, url), pgservertest.Connect(t, url)
		run(t, holder, "CREATE TABLE users (id int)", "CREATE TABLE orders (id int)", "INSERT INTO users VALUES (1)")
		eager := func(c *preflight.Config) { c.Settings.Preflight.TransactionAge = 300 }
		wantNone(t, flight(t, url, eager), "transaction-holds-locks")

		run(t, holder, "SET application_name = 'nightly'", "BEGIN", "SELECT 'hunter2' FROM users")
		run(t, quick, "BEGIN", "INSERT INTO orders VALUES (1)", fmt.Sprintf("PREPARE TRANSACTION 'left%d'", major))
		time.Sleep(350 * time.Millisecond)
		r := flight(t, url, eager)
		want(t, r, "transaction-holds-locks", "warning", "nightly", "holds locks on users", "it has been idle for")
		want(t, r, "transaction-prepared", "warning", fmt.Sprintf("left%d", major), "holds locks on orders")
		for _, f := range r.Findings {
			if strings.Contains(f.Fact+f.Harm+f.Instead, "hunter2") {
				t.Errorf("a literal of somebody's query: %+v", f)
			}
		}
		wantNone(t, flight(t, url), "transaction-holds-locks") // younger than 5 s
		run(t, holder, "COMMIT", fmt.Sprintf("ROLLBACK PREPARED 'left%d'", major))
		r = flight(t, url, eager)
		wantNone(t, r, "transaction-holds-locks")
		wantNone(t, r, "transaction-prepared")
	})
	t.Run("snapshot", func(t *testing.T) {
		t.Parallel()
		url := pgservertest.Database(t, 16)
		run(t, pgservertest.Connect(t, url), "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
		time.Sleep(350 * time.Millisecond)
		want(t, flight(t, url, func(c *preflight.Config) { c.Settings.Preflight.TransactionAge = 300 }), "transaction-holds-locks", "holds a snapshot")
	})
}

// TestSlots: slots that nobody reads, and what they keep.
func TestSlots(t *testing.T) {
	t.Parallel()
	for _, major := range []int{onward.OldestMajor, 17} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			url := specialDatabase(t, major)
			c := pgservertest.Connect(t, url)
			run(t, c, "SELECT pg_create_physical_replication_slot('orphan', true)", "SELECT pg_create_logical_replication_slot('forgotten', 'pgoutput')",
				"CREATE TABLE t AS SELECT repeat('x', 500) FROM generate_series(1, 6000)")
			t.Cleanup(func() { run(t, c, "SELECT pg_drop_replication_slot('orphan'), pg_drop_replication_slot('forgotten')") })
			r := flight(t, url, func(c *preflight.Config) { c.Settings.Preflight.SlotWAL = 2_000_000 })
			want(t, r, "slot-inactive", "warning orphan", "nobody reads physical slot orphan")
			want(t, r, "slot-inactive", "warning forgotten", "logical slot forgotten (database ")
			want(t, r, "slot-keeps-wal", "warning orphan", "keeps", "MB of WAL")
			wantNone(t, flight(t, url), "slot-keeps-wal") // 1 GiB
		})
	}
}

// TestSettings: settings of a role or a database are reported with their source.
func TestSettings(t *testing.T) {
	t.Parallel()
	pgservertest.NeedMajor(t, 17, "transaction_timeout exists from 17 on")
	url := pgservertest.Database(t, 17)
	c := pgservertest.Connect(t, url)
	var db, role string
	if err := c.QueryRow(context.Background(), "SELECT current_database(), current_database() || '_role'").Scan(&db, &role); err != nil {
		t.Fatal(err)
	}
	run(t, c, "ALTER DATABASE "+db+" SET statement_timeout = '30s'", "ALTER DATABASE "+db+" SET transaction_timeout = '10min'",
		"ALTER DATABASE "+db+" SET default_transaction_isolation = 'serializable'",
		"CREATE FUNCTION noted() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
		"CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION noted()")
	r := flight(t, url)
	want(t, r, "setting-ends-migration", "warning statement_timeout", "is 30s for this database")
	want(t, r, "setting-ends-migration", "warning transaction_timeout", "is 10min for this database")
	want(t, r, "setting-isolation", "is serializable for this database")
	want(t, r, "event-trigger-present", "info audit", "runs public.noted at each ddl_command_end")

	run(t, c, "CREATE ROLE "+role+" LOGIN", "ALTER ROLE "+role+" SET lock_timeout = '2s'", "ALTER ROLE "+role+" SET idle_session_timeout = '4s'", "ALTER ROLE "+role+" SET default_transaction_read_only = on")
	t.Cleanup(func() { run(t, c, "DROP ROLE "+role) })
	r = flight(t, pgservertest.Server(t, 17).URLAs(role, db))
	want(t, r, "setting-ends-migration", "info lock_timeout", "is 2s for role "+role)
	want(t, r, "setting-ends-migration", "warning idle_session_timeout", "is 4s for role "+role)
	want(t, r, "server-read-only", "error", "for role "+role)
}

// TestRights: a role that sees little finds nothing fine that it did not see.
func TestRights(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		c := pgservertest.Connect(t, url)
		var db, role string
		if err := c.QueryRow(context.Background(), "SELECT current_database(), current_database() || '_low'").Scan(&db, &role); err != nil {
			t.Fatal(err)
		}
		run(t, c, "CREATE ROLE "+role+" LOGIN", "CREATE TABLE users (id serial)", "INSERT INTO users DEFAULT VALUES", "BEGIN", "SELECT * FROM users")
		t.Cleanup(func() { run(t, c, "ROLLBACK", "DROP OWNED BY "+role, "DROP ROLE "+role) })
		low := pgservertest.Server(t, major).URLAs(role, db)
		r := flight(t, low)
		for _, rule := range []string{"transaction-holds-locks", "replica-lagging", "backup-old", "disk-short", "sequence-near-end"} {
			if len(unseen(r, rule)) == 0 {
				t.Errorf("%d: %s saw all", major, rule)
			}
		}
		run(t, pgservertest.Connect(t, url), "GRANT pg_monitor TO "+role, "GRANT USAGE ON SEQUENCE users_id_seq TO "+role)
		r = flight(t, low)
		for _, rule := range []string{"transaction-holds-locks", "replica-lagging", "sequence-near-end", "archiver-failing"} {
			if list := unseen(r, rule); len(list) > 0 {
				t.Errorf("%d: %s did not see %q", major, rule, list)
			}
		}
	})
}

// TestConnections: connection limits of a database and of the role.
func TestConnections(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 15)
	c := pgservertest.Connect(t, url)
	var db string
	if err := c.QueryRow(context.Background(), "SELECT current_database()").Scan(&db); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		pgservertest.Connect(t, url)
	}
	run(t, c, "ALTER DATABASE "+db+" CONNECTION LIMIT 6")
	want(t, flight(t, url), "connections-few-left", "warning", "5 of the 6 connections")
	for sessions := 0; sessions != 4; time.Sleep(time.Millisecond) { // the server ends a session some time after its client has
		if err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = $1", db).Scan(&sessions); err != nil {
			t.Fatal(err)
		}
	}
	run(t, c, "ALTER DATABASE "+db+" CONNECTION LIMIT 5")
	want(t, flight(t, url), "connections-few-left", "error", "5 of the 5 connections")
}

// TestQueries: what onward.yaml asks for disk and backups, and queries that fail.
func TestQueries(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 14)
	run(t, pgservertest.Connect(t, url),
		"CREATE TABLE big AS SELECT repeat(md5(i::text), 30) FROM generate_series(1, 3000) i", "CREATE TABLE backups (ended timestamptz)")
	want(t, flight(t, url, asks("SELECT 1e6", "")), "disk-short", "error", "1 MB of disk are free", "max_wal_size")
	r := flight(t, url, asks("SELECT 1e15;", "SELECT ended FROM public.backups;"))
	wantNone(t, r, "disk-short")
	want(t, r, "backup-old", "warning", "knows no base backup")
	want(t, flight(t, url, asks("", "SELECT now() - interval '9 days'")), "backup-old", "ended 9 days ago")
	wantNone(t, flight(t, url, asks("", "SELECT now() - interval '9 days' UNION ALL SELECT now()")), "backup-old")
	if list := unseen(flight(t, url, asks("SELECT 'hunter2'", "")), "disk-short"); len(list) != 1 || !strings.Contains(list[0], "SQLSTATE 22P02") ||
		strings.Contains(list[0], "hunter2") {
		t.Errorf("a query that returns no number gives %q, want SQLSTATE 22P02 without the value", list)
	}
	r = flight(t, url, asks("SELECT free FROM nowhere", "SELECT now() FROM generate_series(1, 1000000000000)"))
	if list := unseen(r, "disk-short"); len(list) != 1 || !strings.Contains(list[0], `relation "nowhere" does not exist`) {
		t.Errorf("a query of a missing table gives %q, want the server's message", list)
	}
	if list := unseen(r, "backup-old"); len(list) != 1 {
		t.Errorf("an endless query gives %q, want one entry", list)
	}
}

// TestHarmfulQueries: a query of onward.yaml that ends sessions is not run, although its role may end them.
func TestHarmfulQueries(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		victim := pgservertest.Connect(t, url)
		var pid int
		if err := victim.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		r := flight(t, url, asks(fmt.Sprintf("SELECT 1e15 WHERE pg_terminate_backend(%d)", pid), fmt.Sprintf("SELECT now() FROM pg_cancel_backend(%d)", pid)))
		for rule, name := range map[string]string{"disk-short": "pg_terminate_backend", "backup-old": "pg_cancel_backend"} {
			if list := unseen(r, rule); len(list) != 1 || !strings.Contains(list[0], "is not run: it calls "+name) {
				t.Errorf("%s: a query that calls %s gives %q, want it not to run", rule, name, list)
			}
		}
		if err := victim.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			t.Errorf("the session was ended: %v", err)
		}
	})
}

// TestBackup: the server's own history of base backups, with the label of the tool.
func TestBackup(t *testing.T) {
	t.Parallel()
	for major, sql := range map[int][2]string{
		13: {"SELECT pg_start_backup('nightly', true, false)", "SELECT pg_stop_backup(false, false)"},
		17: {"SELECT pg_backup_start('nightly', true)", "SELECT pg_backup_stop(false)"},
	} {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			url := specialDatabase(t, major)
			run(t, pgservertest.Connect(t, url), sql[0], sql[1])
			r := flight(t, url)
			wantNone(t, r, "backup-old")
			for _, c := range r.Checks {
				if c.Rule == "backup-old" && (len(c.Measured) != 1 || c.Measured[0].Value > 60) {
					t.Errorf("measured %+v", c.Measured)
				}
			}
			early := flight(t, url, func(c *preflight.Config) { c.Settings.Preflight.BackupDays = -1 })
			want(t, early, "backup-old", "warning", "(nightly)")
		})
	}
}
