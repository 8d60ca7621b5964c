package rehearse_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// hostileBase is what every hostile release begins with.
const hostileBase = `-- +goose Up
CREATE TABLE t (id int PRIMARY KEY, name text);
CREATE TABLE other (id int PRIMARY KEY, t_id int NOT NULL REFERENCES t);
`

// hostile is a release that does what releases had better not.
type hostile struct {
	sql string
	// outside: the migration is no transaction, each statement is on its own.
	outside bool
	config  func(*rehearse.Config)
	// finding is the rule that must speak, with fact in its words; "" for a
	// release that must go through to its end.
	finding, fact string
	// either is an SQLSTATE with which the release may fail as well.
	either string
	// unknown: the model does not know what the statements do.
	unknown bool
	// note is part of a note, "" for any or none.
	note string
	// also looks at what else must hold.
	also func(t *testing.T, r *onward.Report, out *onward.Rehearsal)
}

func superuser(c *rehearse.Config) { busy(c); c.Superuser = true }

// busy: there are rows and traffic.
func busy(c *rehearse.Config) { c.Traffic, c.Rows = true, fill.Plan{All: 100, Seed: 1} }

func limited(d time.Duration) func(*rehearse.Config) {
	return func(c *rehearse.Config) { c.Limit = d }
}

func small(c *rehearse.Config) { c.MaxBytes = 64 << 20 }

// added: the last statement of the release, which adds a column, was observed,
// so what came before did not blind the rehearsal.
func added(t *testing.T, r *onward.Report, out *onward.Rehearsal) {
	t.Helper()
	if len(out.Statements) == 0 {
		t.Fatal("no statement ran")
	}
	last := out.Statements[len(out.Statements)-1]
	if !slices.ContainsFunc(last.Observed, func(o onward.Observed) bool {
		return o.Relation == "public.t" && o.Lock == onward.AccessExclusiveLock
	}) {
		t.Errorf("no ACCESS EXCLUSIVE lock on public.t was seen for %s: %+v", text(r, last), last)
	}
}

const addColumn = "\nALTER TABLE t ADD COLUMN seen int;"

// OUTSIDE stands for a directory in which nothing may be written.
var hostiles = map[string]hostile{
	"for ever": {
		sql:     "SELECT pg_sleep(1000);",
		config:  limited(300 * time.Millisecond),
		finding: release.RehearsalNotFinished,
		fact:    "ended after 300ms",
	},
	"for ever, on its own": {
		sql:     "CREATE TABLE n (); SELECT pg_sleep(1000); SELECT 1;",
		outside: true,
		config:  limited(300 * time.Millisecond),
		finding: release.RehearsalNotFinished,
		fact:    "ended after 300ms",
	},
	"for ever, and not to be ended": {
		sql:     "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;",
		config:  limited(300 * time.Millisecond),
		finding: release.RehearsalNotFinished,
		fact:    "ended after 300ms",
	},
	"for ever, the second time": {
		sql:     "DO $$ BEGIN IF to_regclass('done') IS NOT NULL THEN PERFORM pg_sleep(1000); END IF; END $$;\nCREATE TABLE done (); SELECT 1;",
		outside: true,
		config:  limited(2 * time.Second),
		finding: release.RehearsalFailsAgain,
		fact:    "ended after 2s",
	},
	"fills the disk": {
		sql:     "CREATE TABLE big (x text); DO $$ BEGIN LOOP INSERT INTO big SELECT repeat('x', 1000) FROM generate_series(1, 1000); END LOOP; END $$;",
		config:  small,
		finding: release.RehearsalNotFinished,
		fact:    "had grown to",
	},
	"fills the disk by sorting": {
		sql:     "CREATE TABLE sorted AS SELECT g FROM generate_series(1, 1000000000) g ORDER BY md5(g::text);",
		config:  small,
		finding: release.RehearsalNotFinished,
		fact:    "temporary file",
	},
	"much to sort with empty tables": {sql: "SELECT 1 / (pg_size_bytes(current_setting('temp_file_limit')) <= 1 << 30)::int;"},
	"kills itself":                   {sql: "SELECT pg_terminate_backend(pg_backend_pid());", finding: release.RehearsalFails, fact: "57P01"},
	"kills itself, on its own": {
		sql:     "CREATE TABLE n (); SELECT pg_terminate_backend(pg_backend_pid()); SELECT 1;",
		outside: true,
		finding: release.RehearsalFails,
		fact:    "57P01",
	},
	"kills its equals": {
		sql:    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid();" + addColumn,
		config: busy,
		also:   added,
	},
	"kills everybody": {
		sql:     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid();",
		finding: release.RehearsalNeedsSuperuser,
		fact:    "42501",
	},
	"kills everybody, as superuser": {
		sql:    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid();" + addColumn,
		config: superuser,
	},
	"drops the database": {sql: "DROP DATABASE onward_base;", outside: true, finding: release.RehearsalFails, fact: "55006"},
	"drops the base": {
		sql: "CREATE TABLE n (); DROP DATABASE onward_base;", outside: true, finding: release.RehearsalNeedsSuperuser, fact: "42501",
	},
	"drops everything":               {sql: "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE t (id int);" + addColumn, config: busy},
	"drops what it owns":             {sql: "DROP OWNED BY CURRENT_USER CASCADE;", outside: true, unknown: true},
	"becomes another":                {sql: "SET ROLE postgres;", finding: release.RehearsalNeedsSuperuser, fact: "42501"},
	"becomes the session of another": {sql: "SET SESSION AUTHORIZATION postgres;", finding: release.RehearsalNeedsSuperuser, fact: "42501"},
	"becomes a superuser":            {sql: "ALTER ROLE onward SUPERUSER;", finding: release.RehearsalTriedToEscape, fact: "42501"},
	"is given the superuser": {
		sql:     "CREATE ROLE postgres; SET ROLE postgres; COPY t TO PROGRAM ': > OUTSIDE/x';",
		outside: true,
		finding: release.RehearsalNeedsSuperuser,
		fact:    "42501",
	},
	"is given the superuser by a trick": {
		sql: "DO $$ BEGIN IF NOT pg_has_role('postgres', 'MEMBER') THEN RAISE EXCEPTION 'role \"postgres\" does not exist' USING ERRCODE = '42704'; END IF; " +
			"SET ROLE postgres; COPY t TO PROGRAM ': > OUTSIDE/x'; END $$;",
		finding: release.RehearsalTriedToEscape,
		fact:    "42704",
	},
	"a role whose name is a program": {sql: "ALTER TABLE t OWNER TO \"x$do$; COPY t TO PROGRAM ': > OUTSIDE/x'; --\";"},
	"a role that cannot be":          {sql: "ALTER TABLE t OWNER TO pg_evil;", finding: release.RehearsalFails, fact: `role "pg_evil" does not exist`},
	"settings of its role": {
		sql:  "ALTER ROLE CURRENT_USER SET default_transaction_read_only = on; ALTER ROLE CURRENT_USER SET search_path = 'nowhere';" + addColumn,
		also: added,
	},
	"an untrusted language":  {sql: "CREATE EXTENSION plperlu;", finding: release.RehearsalNeedsSuperuser, fact: "42501"},
	"an untrusted extension": {sql: "CREATE EXTENSION file_fdw;", finding: release.RehearsalNeedsSuperuser, fact: "42501"},
	"a missing extension":    {sql: "CREATE EXTENSION there_is_none;" + addColumn, note: "there_is_none is not installed beside this server", also: added},
	"reads a file":           {sql: "COPY t (name) FROM '/etc/passwd';", finding: release.RehearsalTriedToEscape, fact: "42501"},
	"writes a file":          {sql: "COPY t TO 'OUTSIDE/x';", finding: release.RehearsalNeedsSuperuser, fact: "42501"},
	"starts a program":       {sql: "COPY t TO PROGRAM ': > OUTSIDE/x';", finding: release.RehearsalTriedToEscape, fact: "42501"},
	"reads with a function":  {sql: "SELECT pg_read_file('/etc/passwd');", finding: release.RehearsalTriedToEscape, fact: "42501"},
	"imports a file":         {sql: "SELECT lo_import('/etc/passwd');", finding: release.RehearsalTriedToEscape, fact: "42501"},
	"exports a file":         {sql: "SELECT lo_export(lo_create(0), 'OUTSIDE/x');", finding: release.RehearsalNeedsSuperuser, fact: "42501"},
	"a function in C":        {sql: "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc.so.6', 'abort';", finding: release.RehearsalTriedToEscape, fact: "42501"},
	"loads a library":        {sql: "LOAD 'OUTSIDE/x';", finding: release.RehearsalTriedToEscape},
	"settings of the server": {sql: "ALTER SYSTEM SET work_mem = '1GB';", outside: true, finding: release.RehearsalNeedsSuperuser, fact: "42501"},
	"a flood of notifications": {
		sql:  "LISTEN flood; DO $$ BEGIN FOR i IN 1..50000 LOOP PERFORM pg_notify('flood', i::text); END LOOP; END $$;" + addColumn,
		also: added,
	},
	"a flood of notices": {
		sql:  "DO $$ BEGIN FOR i IN 1..100000 LOOP RAISE NOTICE 'onward-rehearsal ddl_command_end %', i; END LOOP; END $$;" + addColumn,
		also: added,
	},
	"a command of psql":            {sql: `\set x 1` + "\nSELECT 1;", outside: true},
	"rows from the client":         {sql: "COPY t FROM STDIN;" + addColumn, note: "COPY FROM STDIN", also: added},
	"rows from the client, inline": {sql: "COPY t (id, name) FROM stdin;\n1\tx\n2\ty\n\\.\n", outside: true, finding: release.RehearsalFails, fact: "42601"},
	"rows to the client":           {sql: "COPY t TO STDOUT;" + addColumn, also: added},
	"no messages": {sql: "SET client_min_messages = error; DO $$ BEGIN EXECUTE 'CREATE TABLE nested ()'; END $$;" +
		addColumn, also: func(t *testing.T, r *onward.Report, out *onward.Rehearsal) {
		added(t, r, out)
		if !slices.ContainsFunc(out.Statements, func(st onward.RehearsedStatement) bool {
			return slices.ContainsFunc(st.Nested, func(n onward.NestedStatement) bool { return n.SQL == "CREATE TABLE nested ()" })
		}) {
			t.Error("the statement in the block was not seen")
		}
	}},
	"no messages to psql's taste": {
		sql:  "SET standard_conforming_strings = off; SET client_encoding = 'LATIN1'; DO $$ BEGIN PERFORM 1; END $$;" + addColumn,
		also: added,
	},
	"discards its session": {sql: "DISCARD ALL;" + addColumn, outside: true, also: added},
	"resets its session":   {sql: "RESET ALL; RESET SESSION AUTHORIZATION;" + addColumn, also: added},
	"no time":              {sql: "SET statement_timeout = 1; SET lock_timeout = 1;" + strings.Repeat("\nSELECT 1;", 200), either: "57014"},
	"no time for a transaction": {
		sql:    "SET LOCAL statement_timeout = 1;" + strings.Repeat("\nSELECT 1;", 200) + "\nSET LOCAL statement_timeout = 0;" + addColumn,
		either: "57014",
	},
	"no time, and it is kept":     {sql: "SET LOCAL statement_timeout = '200ms'; SELECT 1; SELECT pg_sleep(100);", finding: release.RehearsalFails, fact: "57014"},
	"leaves its transaction open": {sql: "BEGIN; ALTER TABLE t ADD COLUMN x int;", outside: true},
	"goes back a little":          {sql: "SAVEPOINT a; ALTER TABLE t ADD COLUMN x int; ROLLBACK TO a; SAVEPOINT b; RELEASE b;" + addColumn, also: added},
	"goes back after a failure":   {sql: "SAVEPOINT a; SELECT 1/0; ROLLBACK TO a;", finding: release.RehearsalFails, fact: "22012"},
	"prepares its transaction": {
		sql:     "BEGIN; ALTER TABLE t ADD COLUMN x int; PREPARE TRANSACTION 'x';",
		outside: true,
		finding: release.RehearsalFails,
		fact:    "55000",
	},
	"begins within": {sql: "BEGIN;" + addColumn, also: added},
	"commits within": {
		sql: "ALTER TABLE t ADD COLUMN x int; COMMIT;" + addColumn, finding: release.RehearsalFailsAgain, fact: "42701", also: added,
	},
	"rolls back within":             {sql: "ALTER TABLE t ADD COLUMN seen int; ROLLBACK;" + addColumn, also: added},
	"serializable":                  {sql: "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;" + addColumn, also: added},
	"serializable, of its own":      {sql: "BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;" + addColumn + "COMMIT;", outside: true, also: added},
	"serializable, in two settings": {sql: "SET LOCAL lock_timeout = '1s'; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;" + addColumn, also: added},
	"read only":                     {sql: "SET TRANSACTION READ ONLY;" + addColumn, finding: release.RehearsalFails, fact: "25006"},
	"read only ever after":          {sql: "SET default_transaction_read_only = on;" + addColumn, outside: true, finding: release.RehearsalFails, fact: "25006"},
	"no path":                       {sql: "SET search_path = ''; SELECT 1; ALTER TABLE public.t ADD COLUMN seen int;", also: added},
	"its own operators and functions": {
		sql: "CREATE FUNCTION pg_backend_pid() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION eq(oid, oid) RETURNS bool LANGUAGE sql AS 'SELECT false'; " +
			"CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = oid, FUNCTION = eq); SET search_path = public, pg_catalog;" + addColumn,
		also: added,
	},
	"a procedure that commits": {sql: "DO $$ BEGIN FOR i IN 1..5 LOOP INSERT INTO t VALUES (-i); COMMIT; END LOOP; END $$;", outside: true},
	"locks itself for ever":    {sql: "SELECT pg_advisory_lock(1);" + addColumn, also: added},
	"names": {
		sql: "CREATE TABLE \"it's \"\"q\"\" <b>\u202e%s \\ " + strings.Repeat("x", 40) + "\" (id int PRIMARY KEY);\nALTER TABLE \"it's \"\"q\"\" <b>\u202e%s \\ " +
			strings.Repeat("x", 40) + "\" ADD COLUMN \"; DROP TABLE t\" int;" +
			"\nCREATE SCHEMA \"a.b\"; CREATE TABLE \"a.b\".\"c.d\" (id int); ALTER TABLE \"a.b\".\"c.d\" ADD COLUMN x int;" + addColumn, config: busy, also: added,
	},
	"a name that is too long": {sql: "CREATE TABLE " + strings.Repeat("n", 80) + " (id int);" + addColumn, also: added},
	"nothing":                 {sql: ""},
	"only a comment":          {sql: "-- nothing"},
	"no SQL":                  {sql: "ALTER TABEL t ADD COLUMN x int;", finding: release.RehearsalFails, fact: "42601"},
}

func TestHostile(t *testing.T) {
	t.Parallel()
	for _, name := range rotation.Pick(t, 5, slices.Sorted(maps.Keys(hostiles))) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hostiles[name]
			h.run(t)
		})
	}
}

func (h hostile) run(t *testing.T) {
	outside := reachable(t, 0o777)
	head := "-- +goose Up\n"
	if h.outside {
		head = "-- +goose NO TRANSACTION\n" + head
	}
	sql := strings.ReplaceAll(h.sql, "OUTSIDE", outside)
	if h.outside {
		sql = strings.ReplaceAll(sql, "; ", ";\n") // goose sends a line that ends in ';' and what is before it
	}
	if strings.Contains(sql, "$$") {
		// Goose splits at semicolons unless a comment marks the end of a
		// statement.
		end := strings.LastIndex(sql, "$$;") + len("$$;")
		from := strings.Index(sql, "DO $$")
		sql = sql[:from] + "\n-- +goose StatementBegin\n" + sql[from:end] + "\n-- +goose StatementEnd\n" + sql[end:]
	}
	c := rehearse.Config{
		Config: audit.Config{Dir: branch(t, hostileBase, []txtar.File{{Name: "00002_hostile.sql", Data: []byte(head + sql + "\n")}})},
		Majors: []int{18}, Limit: 20 * time.Second,
	}
	if h.config != nil {
		h.config(&c)
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r, out := rehearsedIn(ctx, t, c)
	if took := time.Since(start); took > 3*time.Minute {
		t.Errorf("it took %s", took)
	}
	h.check(t, r, out)
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside: %v, %v", left, err)
	}
}

func (h hostile) check(t *testing.T, r *onward.Report, out *onward.Rehearsal) {
	t.Helper()
	var reportedFindings []string
	if h.either != "" && len(named(r, release.RehearsalFails)) == 1 && strings.Contains(named(r, release.RehearsalFails)[0].Fact, h.either) {
		return
	}
	spoke := h.finding == ""
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Rule, "rehearsal-") {
			reportedFindings = append(reportedFindings, fmt.Sprintf("%s %s:%d: %s", f.Rule, f.Path, f.Line, f.Fact))
			spoke = spoke || f.Rule == h.finding && strings.Contains(f.Fact, h.fact)
		}
	}
	if !spoke || h.finding == "" && len(reportedFindings) > 0 {
		t.Errorf("findings %q, want %q with %q; notes %q", reportedFindings, h.finding, h.fact, out.Notes)
	}
	for _, st := range out.Statements {
		if st.Failed != nil && h.finding == "" {
			t.Errorf("%s failed, and no finding is expected: %+v", text(r, st), st.Failed)
		}
	}
	for _, d := range out.Differences {
		if h.unknown {
			break
		}
		t.Errorf("model %s, server %s on %s: %s", d.Model, d.Server, d.Relation, text(r, out.Statements[d.Statement]))
	}
	if h.note != "" && !slices.ContainsFunc(out.Notes, func(n string) bool { return strings.Contains(n, h.note) }) {
		t.Errorf("notes %q, none with %q", out.Notes, h.note)
	}
	if h.also != nil {
		h.also(t, r, out)
	}
}

// TestCodeOfTables: what runs when rows are put in or taken out has no more
// rights than the migrations have.
func TestCodeOfTables(t *testing.T) {
	t.Parallel()
	outside := reachable(t, 0o777)
	evil := func(name, returns, value string) string {
		return "-- +goose StatementBegin\nCREATE FUNCTION " + name + " RETURNS " + returns + " LANGUAGE plpgsql AS $$ BEGIN\n" +
			"BEGIN RESET ROLE; EXECUTE $c$COPY (SELECT 1) TO PROGRAM ': > " + outside + "/x'$c$; EXCEPTION WHEN insufficient_privilege THEN NULL; END;\n" +
			"RETURN " + value + "; END $$;\n-- +goose StatementEnd\n"
	}
	base := "-- +goose Up\n" + evil("checked(int)", "bool", "true") + "CREATE TABLE t (id int PRIMARY KEY CHECK (checked(id)));\n"
	dir := branch(t, base, []txtar.File{
		{
			Name: "00002_trigger.sql",
			Data: []byte("-- +goose Up\n" + evil("emptied()", "trigger", "NULL") +
				"CREATE TRIGGER emptied BEFORE TRUNCATE ON t EXECUTE FUNCTION emptied();\nALTER TABLE t ENABLE ALWAYS TRIGGER emptied;\n"),
		},
		{Name: "00003_fails.sql", Data: []byte("-- +goose Up\nALTER TABLE t ADD CONSTRAINT none CHECK (id IS NULL);\n")},
	})
	r, out := rehearsed(t, rehearse.Config{Config: audit.Config{Dir: dir}, Majors: []int{18}, Rows: fill.Plan{All: 100, Seed: 1}, Traffic: true})
	if len(out.Tables) == 0 || len(named(r, release.RehearsalFailsWithRows)) != 1 {
		t.Errorf("tables %+v, notes %q, findings %+v", out.Tables, out.Notes, r.Findings)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside: %v, %v", left, err)
	}
}

// TestBrokenBase: a history that does not run from scratch is reported with its
// place, and what to do.
func TestBrokenBase(t *testing.T) {
	t.Parallel()
	for name, base := range map[string]string{
		"refused":   "-- +goose Up\nCREATE TABLE t (id int);\nCREATE TABLE t (id int);\n",
		"for ever":  "-- +goose Up\nCREATE TABLE t (id int);\nSELECT pg_sleep(1000);\n",
		"privilege": "-- +goose Up\nCREATE TABLE t (id int);\nCOPY t FROM '/srv/rows.csv';\n",
		"attempt":   "-- +goose Up\nCREATE TABLE t (id int);\nCOPY t FROM '/etc/passwd';\n",
		"itself":    "-- +goose Up\nCREATE TABLE t (id int);\nSELECT pg_terminate_backend(pg_backend_pid());\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := branch(t, base, []txtar.File{{Name: "00002_next.sql", Data: []byte("-- +goose Up\nALTER TABLE t ADD COLUMN x int;\n")}})
			_, err := rehearse.Run(context.Background(), rehearse.Config{Config: audit.Config{Dir: dir}, Majors: []int{18}, Limit: 2 * time.Second})
			var broken *rehearse.BaseError
			if !errors.As(err, &broken) {
				t.Fatalf("Run on a broken base: %v, want a BaseError", err)
			}
			wayOut := "--" // a flag
			if name == "attempt" {
				wayOut = "read what it does, and who wrote it, before it runs anywhere"
			}
			if broken.Migration != "00001_base" || broken.Line != 3 || !strings.Contains(err.Error(), "migrations/00001_base.sql:3") ||
				!strings.Contains(err.Error(), wayOut) {
				t.Errorf("the BaseError is %+v, want line 3 of 00001_base and %q: %v", broken, wayOut, err)
			}
			if strings.Contains(err.Error(), "--superuser") && name != "privilege" {
				t.Errorf("it advises to let it: %v", err)
			}
		})
	}
}
