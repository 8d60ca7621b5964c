package apply_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// settingsBase is what the migrations of TestRoleSettings work on, and sensitive the migration whose rows tell the settings.
const (
	settingsBase = `
CREATE SCHEMA app;
CREATE TABLE src (id bigint PRIMARY KEY, x int, filled text);
INSERT INTO src VALUES (1, NULL, NULL), (2, 2, NULL);
ALTER TABLE src ENABLE ROW LEVEL SECURITY;
ALTER TABLE src FORCE ROW LEVEL SECURITY;
CREATE POLICY visible ON src USING (id > 0);
CREATE TABLE fills (id bigint PRIMARY KEY, filled text);
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.filled := 'filled'; RETURN NEW; END$$;
CREATE TRIGGER fill BEFORE INSERT ON fills FOR EACH ROW EXECUTE FUNCTION fill();
`
	sensitive = `
SELECT pg_sleep(0.3);
INSERT INTO public.fills VALUES (1);
CREATE TABLE public.result (what text PRIMARY KEY, value text);
CREATE TABLE place (id int);
INSERT INTO public.result VALUES
 ('date', ('03/04/2026'::date - '2026-01-01'::date)::text), ('date as text', '2026-03-04'::date::text),
 ('interval', extract(epoch FROM '-1 02:03:04'::interval)::text), ('interval as text', interval '1 day -2 hours'::text),
 ('time zone', ('2026-06-01 12:00'::timestamp::timestamptz AT TIME ZONE 'UTC' - '2026-06-01')::text),
 ('strings', length('a\nb')::text), ('bytes', '\x6f'::bytea::text), ('float', (0.1::float8 + 0.2::float8)::text),
 ('path', (SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'place')),
 ('nulls', (SELECT count(*) FROM public.src WHERE x = NULL)::text), ('array', ('{NULL}'::text[] = ARRAY['NULL'])::text),
 ('triggers', (SELECT coalesce(filled, '') FROM public.fills)), ('rows', (SELECT count(*) FROM public.src)::text);
`
	// unchecked is refused where bodies are checked.
	unchecked = "CREATE FUNCTION public.later() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM not_there';\n"
)

// roleSetting is a setting of a role or a database. Those that the tool is spared end what takes long: they change no row.
type roleSetting struct {
	name, value string
	since       int
	spared      bool
	to          string
	fails       bool // as the tool does
}

var roleSettingCases = []roleSetting{
	{name: "DateStyle", value: "'SQL, DMY'"},
	{name: "IntervalStyle", value: "sql_standard"},
	{name: "TimeZone", value: "'Asia/Kolkata'"},
	{name: "standard_conforming_strings", value: "off"},
	{name: "search_path", value: "app, public"},
	{name: "default_transaction_read_only", value: "on", fails: true},
	{name: "row_security", value: "off", fails: true},
	{name: "session_replication_role", value: "replica"},
	{name: "transform_null_equals", value: "on"},
	{name: "check_function_bodies", value: "off", to: "3"},
	{name: "check_function_bodies", value: "on", to: "3", fails: true},
	{name: "statement_timeout", value: "'250ms'", spared: true},
	{name: "lock_timeout", value: "'1ms'", spared: true},
	{name: "idle_in_transaction_session_timeout", value: "'50ms'", spared: true},
	{name: "transaction_timeout", value: "'250ms'", since: 17, spared: true},
	{name: "bytea_output", value: "escape"},
	{name: "extra_float_digits", value: "-3"},
	{name: "array_nulls", value: "off"},
	{name: "default_transaction_isolation", value: "serializable"},
	{name: "client_encoding", value: "latin1"},
}

// TestRoleSettings: under each setting of a role or a database, an unchanged migration makes the rows that its own tool makes, or
// fails as the tool does.
func TestRoleSettings(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{
		"db/00001_a.sql": "-- +goose Up\n" + settingsBase, "db/00002_b.sql": "-- +goose Up\n" + sensitive, "db/00003_c.sql": "-- +goose Up\n" + unchecked,
	})
	for i, c := range roleSettingCases {
		for _, major := range pgservertest.Ends() {
			if c.since > major {
				continue
			}
			level := "DATABASE"
			if (i+major)%2 == 0 {
				level = "ROLE"
			}
			t.Run(fmt.Sprintf("%s=%s by %s on %d", c.name, c.value, level, major), func(t *testing.T) {
				t.Parallel()
				if c.since > 0 {
					pgservertest.NeedMajor(t, major, "the setting does not exist before "+strconv.Itoa(c.since))
				}
				c.compare(t, dir, major, level)
			})
		}
	}
}

// compare has the tool and onward run the migrations under the setting, each on a database of its own.
func (c roleSetting) compare(t *testing.T, dir string, major int, level string) {
	t.Helper()
	tool, onwardURL := c.database(t, major, level, !c.spared), c.database(t, major, level, true)
	migrations := []string{sensitive}
	config := pendingOf(dir, onwardURL, "2")
	if c.to != "" {
		migrations, config.To = append(migrations, unchecked), c.to
	}
	failed := runAsTool(t, tool, migrations)
	config.AcceptFindings = true
	r, err := apply.Pending(t.Context(), config)
	if (failed != nil) != c.fails || (err != nil) != c.fails {
		t.Errorf("the tool: %v, onward: %v %+v", failed, err, r)
	}
	if diff := cmp.Diff(results(t, tool), results(t, onwardURL)); diff != "" {
		t.Errorf("(-tool +onward):\n%s", diff)
	}
	if list, err := apply.Status(t.Context(), onwardURL); err != nil || len(list) == 0 && !c.fails {
		t.Errorf("status: %v %v", list, err)
	}
}

// database makes a database that has the first migration, and gives it the setting.
func (c roleSetting) database(t *testing.T, major int, level string, set bool) string {
	t.Helper()
	const role = "onward_tool"
	admin := pgservertest.Database(t, major)
	name := pgx.Identifier{nameOf(admin)}.Sanitize()
	run(t, admin, "DO $$BEGIN CREATE ROLE "+role+" LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$",
		"GRANT CREATE ON DATABASE "+name+" TO "+role, "GRANT ALL ON SCHEMA public TO "+role)
	url := pgservertest.Server(t, major).URLAs(role, nameOf(admin))
	run(t, url, settingsBase, "CREATE TABLE public.goose_db_version (id serial PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, "+
		"tstamp timestamp DEFAULT now())",
		"INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, true), (1, true)")
	if level == "ROLE" {
		name = role + " IN DATABASE " + name
	}
	if set {
		run(t, admin, "ALTER "+level+" "+name+" SET "+c.name+" = "+c.value)
	}
	return url
}

// runAsTool sends each migration as psql -1 does, and gives the first error.
func runAsTool(t *testing.T, url string, migrations []string) (failed error) {
	t.Helper()
	conn := pgservertest.Connect(t, url)
	defer conn.Close(context.Background())
	for _, sql := range migrations {
		if _, err := conn.PgConn().Exec(t.Context(), "BEGIN;"+sql+"COMMIT;").ReadAll(); err != nil && failed == nil {
			failed = err
		}
	}
	return failed
}

// results are the rows that the migrations made, whatever the settings.
func results(t testing.TB, url string) []string {
	t.Helper()
	conn := pgservertest.Connect(t, url)
	defer conn.Close(context.Background())
	pgservertest.Exec(t, conn, "SELECT set_config('transaction_timeout', '0', false) WHERE current_setting('transaction_timeout', true) IS NOT NULL",
		"SET statement_timeout = 0", "SET standard_conforming_strings = on", "SET client_encoding = 'UTF8'")
	tableExists := false
	if err := conn.QueryRow(t.Context(), "SELECT to_regclass('public.result') IS NOT NULL").Scan(&tableExists); err != nil {
		t.Fatal(err)
	}
	if !tableExists {
		return nil
	}
	return pgservertest.ReadTexts(t, conn, "SELECT what || ': ' || value FROM public.result UNION ALL SELECT proname FROM pg_proc "+
		"WHERE proname = 'later' ORDER BY 1", pgx.QueryExecModeSimpleProtocol)
}

// settingsOfPlan are set all at once for the database of a plan.
var settingsOfPlan = []string{
	"DateStyle = 'SQL, DMY'", "IntervalStyle = sql_standard", "TimeZone = 'Asia/Kolkata'", "standard_conforming_strings = off", "search_path = app, public",
	"session_replication_role = replica", "transform_null_equals = on", "check_function_bodies = off", "bytea_output = escape", "extra_float_digits = -3", "array_nulls = off",
	"statement_timeout = '200ms'", "idle_in_transaction_session_timeout = '50ms'", "lock_timeout = '1ms'", "default_transaction_isolation = serializable",
}

const (
	planBase = `
CREATE TABLE public.events (id bigint PRIMARY KEY, at timestamp NOT NULL, due date, lasts interval, note text);
CREATE FUNCTION public.mark() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.note := coalesce(NEW.note, '') || '!'; RETURN NEW; END$$;
CREATE TRIGGER mark BEFORE UPDATE OF due ON public.events FOR EACH ROW EXECUTE FUNCTION public.mark();
`
	planRows    = "INSERT INTO public.events SELECT n, timestamp '2026-06-01 12:00:00' + n * interval '1 hour' FROM generate_series(1, 3000) AS n"
	planRelease = `
ALTER TABLE public.events ALTER COLUMN at TYPE timestamptz;
UPDATE public.events SET due = '03/04/2026', lasts = '-1 02:03:04' WHERE due IS NULL;
CREATE INDEX events_due_idx ON public.events (due);
ALTER TABLE public.events ADD CONSTRAINT late CHECK (due > '01/02/2026');
`
	planResult = "SELECT id || ' ' || extract(epoch FROM at) || ' ' || (due - date '2026-01-01') || ' ' || extract(epoch FROM lasts) || ' ' || note FROM " +
		"public.events ORDER BY id"
)

// TestPlanUnderRoleSettings: a plan makes the rows that the release makes under the settings of its database, all at once, also
// through a transaction pooler. Triggers fire, as when it was proven.
func TestPlanUnderRoleSettings(t *testing.T) {
	t.Parallel()
	p := planned(t, planBase, planRelease)
	for _, major := range pgservertest.Ends() {
		for _, pooled := range []bool{false, true} {
			if pooled && major == onward.OldestMajor {
				continue
			}
			t.Run(fmt.Sprintf("%d pooled %t", major, pooled), func(t *testing.T) {
				t.Parallel()
				want, got := pgservertest.Database(t, major), pgservertest.Database(t, major)
				for _, url := range []string{want, got} {
					run(t, url, "CREATE SCHEMA app", planBase, planRows)
					for _, s := range settingsOfPlan {
						if url == want && (strings.Contains(s, "_timeout") || strings.Contains(s, "replica")) {
							continue
						}
						run(t, url, "SET statement_timeout = 0; ALTER DATABASE "+pgx.Identifier{nameOf(url)}.Sanitize()+" SET "+s)
					}
				}
				run(t, want, planRelease)
				url := got
				if pooled {
					url = pgservertest.StartPgbouncer(t, got, "transaction")
				}
				r, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p, Through: onward.Contract})
				if err != nil || r.State != onward.ApplyDone {
					t.Fatalf("apply under the role's settings = %+v, %v, want it done", r, err)
				}
				if diff := cmp.Diff(content(t, want, planResult), content(t, got+"&statement_timeout=0", planResult)); diff != "" {
					t.Errorf("rows (-release +plan):\n%s", diff)
				}
				check := "SELECT convalidated || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'late'"
				if diff := cmp.Diff(content(t, want, check), content(t, got+"&statement_timeout=0", check)); diff != "" {
					t.Errorf("(-release +plan):\n%s", diff)
				}
			})
		}
	}
}

// TestRoleSettingsRefused: settings under which a plan would do something else than was proven refuse it before anything is changed.
func TestRoleSettingsRefused(t *testing.T) {
	t.Parallel()
	escaped := planned(t, base, `ALTER TABLE orders ADD COLUMN path text; UPDATE orders SET path = 'a\nb';`)
	plain := planned(t, base, "ALTER TABLE orders ADD COLUMN path text;")
	elsewhere := planned(t, base, "ALTER TABLE orders ADD COLUMN path text;")
	elsewhere.Proof.Settings = []onward.PlanSetting{{Name: "datestyle", Value: "ISO, MDY"}, {Name: "timezone", Value: "Asia/Kolkata"}}
	elsewhere = markProven(t, elsewhere)
	for _, c := range []struct {
		setting, words string
		plan           *onward.Plan
	}{
		{"standard_conforming_strings = off", "its tools read a \\ in", escaped},
		{"default_transaction_read_only = on", "onward does not override it", plain},
		{"session_replication_role = replica", "triggers that the plan relies on would not run", plain},
		{"timezone = 'Europe/Zurich'", "timezone is Europe/Zurich for this role or this database, and the plan was proven with Asia/Kolkata", elsewhere},
		{"datestyle = 'ISO, DMY'", "Make the plan again with --db", elsewhere},
	} {
		db := pgservertest.Database(t, onward.NewestMajor)
		name := pgx.Identifier{nameOf(db)}.Sanitize()
		run(t, db, base, "DO $$BEGIN CREATE ROLE onward_refused LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END$$", "GRANT CREATE ON DATABASE "+name+
			" TO onward_refused",
			"ALTER DATABASE "+name+" SET "+c.setting)
		_, err := apply.Run(t.Context(), apply.Config{DB: pgservertest.Server(t, onward.NewestMajor).URLAs("onward_refused", nameOf(db)), Plan: c.plan})
		if err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("apply with %s = %v, want %q", c.setting, err, c.words)
		}
		conn := pgservertest.Connect(t, db)
		var hasLedger bool
		if err := conn.QueryRow(t.Context(), "SELECT to_regnamespace('onward_ledger') IS NOT NULL").Scan(&hasLedger); err != nil || hasLedger {
			t.Errorf("%s: the ledger is there: %v", c.setting, err)
		}
		_ = conn.Close(context.Background())
	}
}
