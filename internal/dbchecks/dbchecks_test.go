package dbchecks_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/dbchecks"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// database is a session of a running server.
type database struct {
	ctx     context.Context
	session *live.Session
}

func (d database) Each(sql string, args, targets []any, f func()) error {
	return d.session.Each(d.ctx, sql, args, targets, f)
}

// check runs all checks on a fresh database after some SQL, and returns the findings of the checks that
// look at the database alone: others depend on the server of the test.
func check(t *testing.T, major int, change func(*dbchecks.Input), sql ...string) []onward.PreflightFinding {
	t.Helper()
	url := pgservertest.Database(t, major)
	conn := pgservertest.Connect(t, url)
	for _, s := range sql {
		if _, err := conn.Exec(t.Context(), s); err != nil && s != failingBuild {
			t.Fatalf("execute %s: %v", s, err)
		}
	}
	session, err := live.Dial(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(t.Context())
	in := &dbchecks.Input{Server: database{t.Context(), session}, Now: time.Now(), PID: session.PID()}
	if change != nil {
		change(in)
	}
	r, err := dbchecks.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	var out []onward.PreflightFinding
	for _, f := range r.Findings {
		if f.Scope == onward.ScopeDatabase {
			out = append(out, f)
		}
	}
	return out
}

// failingBuild fails, and leaves an invalid index.
const failingBuild = "CREATE UNIQUE INDEX CONCURRENTLY events_kind ON events (kind)"

// TestDatabaseChecks breaks a database in one way, and looks for the finding that says so.
func TestDatabaseChecks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		sql    []string
		rule   string
		object string
		want   onward.Severity
	}{
		{
			name: "a constraint that nobody validated", rule: "constraint-left-not-valid", object: "public.events.positive", want: onward.Warning,
			sql: []string{"CREATE TABLE events (id int)", "ALTER TABLE events ADD CONSTRAINT positive CHECK (id > 0) NOT VALID"},
		},
		{
			name: "an index whose build failed", rule: "index-invalid", object: "public.events_kind", want: onward.Warning,
			sql: []string{"CREATE TABLE events (kind int)", "INSERT INTO events VALUES (1), (1)", failingBuild},
		},
		{
			name: "an integer key at 85 %", rule: "sequence-near-end", object: "public.events.id", want: onward.Warning,
			sql: []string{"CREATE TABLE events (id serial)", "SELECT setval('events_id_seq', 1825361101)"},
		},
		{
			name: "an integer key at 99 %", rule: "sequence-near-end", object: "public.events.id", want: onward.Error,
			sql: []string{"CREATE TABLE events (id serial)", "SELECT setval('events_id_seq', 2126008811)"},
		},
		{
			name: "rows with numbers of their own", rule: "sequence-number-taken", object: "public.events_id_seq", want: onward.Warning,
			sql: []string{"CREATE TABLE events (id serial PRIMARY KEY)", "INSERT INTO events SELECT g FROM generate_series(1, 20) g"},
		},
		{
			name: "a trigger that was disabled", rule: "trigger-left-disabled", object: "public.events.stamp", want: onward.Warning,
			sql: []string{
				"CREATE TABLE events (id int)", "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
				"CREATE TRIGGER stamp BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION f()", "ALTER TABLE events DISABLE TRIGGER stamp",
			},
		},
	} {
		for _, major := range pgservertest.EndsAndPreview() {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				found := check(t, major, nil, tt.sql...)
				if len(found) != 1 {
					t.Fatalf("PostgreSQL %d: %d findings, want one: %+v", major, len(found), found)
				}
				got := []any{found[0].Rule, found[0].Object, found[0].Severity}
				if diff := cmp.Diff([]any{tt.rule, tt.object, tt.want}, got); diff != "" {
					t.Errorf("PostgreSQL %d (-want +got):\n%s", major, diff)
				}
			})
		}
	}
}

// TestHealthyDatabase: tables with valid constraints and indexes cause no finding.
func TestHealthyDatabase(t *testing.T) {
	t.Parallel()
	found := check(t, onward.NewestMajor, nil, "CREATE TABLE events (id bigserial PRIMARY KEY, kind text UNIQUE CHECK (kind <> ''))")
	if len(found) > 0 {
		t.Errorf("findings on a healthy database: %+v, want none", found)
	}
}

// TestSeverity: onward.yaml may raise a check, or switch it off.
func TestSeverity(t *testing.T) {
	t.Parallel()
	notValid := []string{"CREATE TABLE events (id int)", "ALTER TABLE events ADD CONSTRAINT positive CHECK (id > 0) NOT VALID"}
	set := func(s onward.Severity) func(*dbchecks.Input) {
		return func(in *dbchecks.Input) { in.Severity = map[string]onward.Severity{"constraint-left-not-valid": s} }
	}
	if found := check(t, onward.NewestMajor, set(onward.Error), notValid...); len(found) != 1 || found[0].Severity != onward.Error {
		t.Errorf("raised: %+v", found)
	}
	if found := check(t, onward.NewestMajor, set(onward.Off), notValid...); len(found) > 0 {
		t.Errorf("switched off: %+v", found)
	}
}
