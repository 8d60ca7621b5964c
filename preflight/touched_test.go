package preflight_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/preflight"
)

const deployedSQL = `CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id int);
CREATE INDEX orders_user ON orders (user_id);`

// release is a repository whose branch adds a column to users.
func release(t *testing.T) func(*preflight.Config) {
	t.Helper()
	dir := gittest.Commits(t,
		map[string]string{"migrations/1_base.up.sql": deployedSQL},
		map[string]string{"migrations/2_age.up.sql": "ALTER TABLE users ADD COLUMN age int;\nCREATE TABLE audit (id int);"})
	return func(c *preflight.Config) { c.Alone, c.Dir, c.Base = false, dir, "main" }
}

// TestTouched: on the tables of the release more is reported: transactions of any age,
// prepared transactions, vacuum, publications and privileges.
func TestTouched(t *testing.T) {
	t.Parallel()
	withRelease := release(t)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := specialDatabase(t, major)
		c, other := pgservertest.Connect(t, url), pgservertest.Connect(t, url)
		run(t, c, deployedSQL, "INSERT INTO users VALUES (1, 'a')")
		r := flight(t, url, withRelease)
		if diff := cmp.Diff([]string{"public.users"}, r.Touched); diff != "" {
			t.Errorf("touched (-want +got):\n%s", diff)
		}
		for _, rule := range []string{"schema-drift", "transaction-holds-locks", "role-lacks-rights", "vacuum-running", "publication-sends-table"} {
			wantNone(t, r, rule)
		}
		if !strings.Contains(r.Release, "main") {
			t.Errorf("the release is %q", r.Release)
		}

		name := fmt.Sprintf("touched%d", major)
		run(t, c, "CREATE PUBLICATION sent FOR TABLE users", "CREATE PUBLICATION other FOR TABLE orders",
			"CREATE ROLE "+name+" LOGIN", "ALTER TABLE orders OWNER TO "+name, "GRANT CREATE ON SCHEMA public TO "+name)
		run(t, other, "BEGIN", "SELECT * FROM users")
		r = flight(t, url, withRelease)
		want(t, r, "transaction-holds-locks", "info", "holds locks on users, which the release touches")
		want(t, r, "publication-sends-table", "warning sent", "sends users, which the release touches")
		if got := found(r, "publication-sends-table"); len(got) != 1 {
			t.Errorf("publication-sends-table has the findings %q, want one", got)
		}
		want(t, flight(t, url), "publication-sends-table", "info other", "sends orders")
		run(t, other, "ROLLBACK", "BEGIN", "UPDATE users SET email = 'b'", "PREPARE TRANSACTION '"+name+"'")
		want(t, flight(t, url, withRelease), "transaction-prepared", "error "+name, "holds locks on users, which the release touches")
		run(t, other, "ROLLBACK PREPARED '"+name+"'")

		low := flight(t, specialServer(t, major).URLAs(name, url[strings.LastIndexByte(url, '/')+1:strings.IndexByte(url, '?')]), withRelease)
		want(t, low, "role-lacks-rights", "error public.users", "postgres owns")
		if got := found(low, "role-lacks-rights"); len(got) != 1 {
			t.Errorf("role-lacks-rights has the findings %q, want one", got)
		}
		run(t, c, "ALTER TABLE users OWNER TO "+name, "ALTER TABLE users ENABLE ROW LEVEL SECURITY", "ALTER TABLE users FORCE ROW LEVEL SECURITY")
		low = flight(t, specialServer(t, major).URLAs(name, url[strings.LastIndexByte(url, '/')+1:strings.IndexByte(url, '?')]), withRelease)
		want(t, low, "role-lacks-rights", "warning public.users", "the policies of users hold for "+name+", too")
		run(t, c, "DROP OWNED BY "+name+" CASCADE", "DROP ROLE "+name)
	})
}

// TestVacuum: one by hand, made slow, on a touched table.
func TestVacuum(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 16)
	c, slow := pgservertest.Connect(t, url), pgservertest.Connect(t, url)
	run(t, c, deployedSQL, "INSERT INTO users SELECT i, repeat('x', 200) FROM generate_series(1, 20000) i", "DELETE FROM users WHERE id % 2 = 0")
	run(t, slow, "SET vacuum_cost_delay = '100ms'", "SET vacuum_cost_limit = 1")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { _, err := slow.Exec(ctx, "VACUUM users"); done <- err }()
	for running := false; !running; time.Sleep(10 * time.Millisecond) {
		if err := c.QueryRow(context.Background(), "SELECT count(*) > 0 FROM pg_stat_progress_vacuum WHERE datname = current_database()").Scan(&running); err != nil {
			t.Fatal(err)
		}
	}
	want(t, flight(t, url, release(t)), "vacuum-running", "warning public.users", "VACUUM works on users")
	stop()
	<-done
}

// TestDrift: manual changes are reported, and changes that the release itself has already made
// are not.
func TestDrift(t *testing.T) {
	t.Parallel()
	withRelease := release(t)
	url := pgservertest.Database(t, 15)
	c := pgservertest.Connect(t, url)
	want(t, flight(t, url, withRelease), "schema-drift", "warning", "none of the 2 tables")
	run(t, c, deployedSQL, "ALTER TABLE users ADD COLUMN age int", "CREATE TABLE schema_migrations (version bigint)")
	wantNone(t, flight(t, url, withRelease), "schema-drift")
	run(t, c, "ALTER TABLE users ADD COLUMN nickname text", "ALTER TABLE users ALTER COLUMN email DROP NOT NULL", "ALTER TABLE users ALTER COLUMN id TYPE bigint",
		"DROP INDEX orders_user", "CREATE INDEX by_hand ON orders (id, user_id)")
	r := flight(t, url, withRelease)
	want(t, r, "schema-drift", "warning public.users", "id is bigint, not int", "email is not NOT NULL", "column nickname is in no migration")
	want(t, r, "schema-drift", "warning public.orders", "index orders_user is missing", "index by_hand is in no migration")
	run(t, c, "CREATE INDEX orders_user ON orders (user_id)")
	want(t, flight(t, url, withRelease), "schema-drift", "info public.orders", "index by_hand is in no migration")
}

// TestDriftUnderWay: what a plan under way has made is no drift, and what somebody else makes beside it is.
func TestDriftUnderWay(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 15)
	c := pgservertest.Connect(t, url)
	run(t, c, deployedSQL)
	schema, err := live.ReadSchema(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	p := &onward.Plan{Schema: onward.PlanSchema, Base: "b", Head: "h", Catalog: schema.Catalog.HashRelations(nil), Steps: []onward.PlanStep{
		{ID: "01-expand", Phase: onward.Expand, SQL: "BEGIN; ALTER TABLE users ADD COLUMN id_onward bigint; CREATE UNIQUE INDEX users_pkey_onward ON users (id_onward); " +
			"ALTER TABLE users ALTER COLUMN email DROP NOT NULL; COMMIT;"},
		{ID: "02-contract", Phase: onward.Contract, SQL: "BEGIN; ALTER TABLE users DROP COLUMN id; COMMIT;"},
	}}
	for i := range p.Steps {
		p.Steps[i].Class, p.Steps[i].Transaction = onward.StepDDL, onward.TransactionFile
	}
	if p.Digest, err = ledger.PlanDigest(p); err != nil {
		t.Fatal(err)
	}
	if _, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p, Unproven: "a test"}); err != nil {
		t.Fatal(err)
	}
	wantNone(t, flight(t, url, release(t)), "schema-drift")
	run(t, c, "ALTER TABLE users ADD COLUMN nickname text")
	got := found(flight(t, url, release(t)), "schema-drift")
	if len(got) != 1 || !strings.Contains(got[0], "column nickname is in no migration") || strings.Contains(got[0], "onward") {
		t.Errorf("beside a plan under way the drift is %q, want the column nickname alone", got)
	}
}

// TestNoRelease: without a repository the other checks run, and unknown facts are reported as
// such. A named revision must exist.
func TestNoRelease(t *testing.T) {
	t.Chdir(t.TempDir())
	url := pgservertest.Database(t, 18)
	r := flight(t, url, func(c *preflight.Config) { c.Alone = false })
	if list := unseen(r, "schema-drift"); len(list) != 1 || !strings.Contains(list[0], "which tables the release touches") {
		t.Errorf("without a release schema-drift gives %q, want one entry on the touched tables", list)
	}
	if list := unseen(flight(t, url), "schema-drift"); len(list) > 0 {
		t.Errorf("with Alone: %q", list)
	}
	_, err := preflight.Run(context.Background(), preflight.Config{Config: audit.Config{Deployed: audit.Deployed{DB: url}, Base: "v1"}})
	var none *audit.NotRepositoryError
	if !errors.As(err, &none) {
		t.Errorf("Run outside a repository with a base: %v, want a NotRepositoryError", err)
	}
}

// TestPartitions: a table with more partitions than there is room for locks.
func TestPartitions(t *testing.T) {
	t.Parallel()
	url := specialDatabase(t, 17)
	c := pgservertest.Connect(t, url)
	run(t, c, "CREATE TABLE events (id int, at int) PARTITION BY RANGE (at)", "CREATE INDEX ON events (id)", "CREATE INDEX ON events (at)")
	var room int
	if err := c.QueryRow(context.Background(), "SELECT current_setting('max_locks_per_transaction')::int * 70").Scan(&room); err != nil {
		t.Fatal(err)
	}
	wantNone(t, flight(t, url), "setting-locks-few")
	n := room/6 + 20
	for from := 0; from < n; from += 50 {
		run(t, c, fmt.Sprintf("DO $$ BEGIN FOR i IN %d..%d LOOP EXECUTE format('CREATE TABLE events_%%s PARTITION OF events FOR VALUES FROM (%%s) TO (%%s)', i, "+
			"i, i + 1); END LOOP; END $$", from, min(from+50, n)-1))
	}
	want(t, flight(t, url), "setting-locks-few", "warning public.events", fmt.Sprintf("room for %d locks", room))
}

// TestReplica: one that receives and does not replay, and a synchronous one that is not there.
func TestReplica(t *testing.T) {
	t.Parallel()
	url := specialDatabase(t, 16)
	c := pgservertest.Connect(t, url)
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams["replication"] = "true"
	cfg.RuntimeParams["application_name"] = "far_away"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	receiver, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close(context.Background())
	streamAndStall(t, c, receiver)
	run(t, c, "CREATE TABLE t AS SELECT repeat('x', 500) FROM generate_series(1, 6000)")
	r := flight(t, url, func(c *preflight.Config) { c.Settings.Preflight.SlotWAL = 2_000_000 })
	want(t, r, "replica-lagging", "warning far_away", "MB of WAL are not replayed")
	wantNone(t, flight(t, url), "replica-lagging")

	run(t, c, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()", "SELECT pg_sleep(0.2)")
	want(t, flight(t, url), "replica-lagging", "error", "asks for a synchronous standby, and none is there")
	run(t, c, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
}

// TestWraparound: a database whose oldest row is half the numbers old, as its own entry says.
func TestWraparound(t *testing.T) {
	t.Parallel()
	s := specialServer(t, 14)
	c := pgservertest.Connect(t, s.URL("postgres"))
	wantNone(t, flight(t, s.URL("postgres")), "wraparound-near")
	name, err := s.NewDatabase(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	var number int64
	if err := c.QueryRow(context.Background(), "SELECT (txid_current() % 4294967296)::bigint").Scan(&number); err != nil {
		t.Fatal(err)
	}
	for age, severity := range map[int64]string{1_100_000_000: "warning", 1_700_000_000: "error"} {
		old := (number - age + 1<<32) % (1 << 32)
		run(t, c, fmt.Sprintf("UPDATE pg_database SET datfrozenxid = '%d' WHERE datname = '%s'", old, name))
		want(t, flight(t, s.URL("postgres")), "wraparound-near", severity+" "+name, "transactions old")
	}
	run(t, c, fmt.Sprintf("UPDATE pg_database SET datfrozenxid = '%d' WHERE datname = '%s'", number, name))
}

// TestOtherVersion: onward.yaml names others than the server's.
func TestOtherVersion(t *testing.T) {
	t.Parallel()
	pgservertest.NeedMajor(t, 14, "its number is reported")
	url := pgservertest.Database(t, 14)
	withMajors := func(majors ...int) func(*preflight.Config) {
		return func(c *preflight.Config) { c.Settings.Postgres = majors }
	}
	want(t, flight(t, url, withMajors(16, 17)), "server-version-other", "warning", "the server is Postgres 14")
	wantNone(t, flight(t, url, withMajors(14, 15)), "server-version-other")
}

// TestRulesAreSet: onward.yaml sets a check's severity, or switches it off.
func TestRulesAreSet(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 14)
	set := func(s onward.Severity) func(*preflight.Config) {
		return func(c *preflight.Config) { c.Settings.Rules = map[string]onward.Severity{"archiver-off": s} }
	}
	want(t, flight(t, url, set(onward.Error)), "archiver-off", "error")
	r := flight(t, url, set(onward.Off))
	wantNone(t, r, "archiver-off")
	for _, c := range r.Checks {
		if c.Rule == "archiver-off" {
			t.Error("it was made")
		}
	}
}
