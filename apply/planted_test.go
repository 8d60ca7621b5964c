package apply_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// ofRole makes a role, and returns an address that logs in as the role.
func ofRole(t *testing.T, db, name string, major int) (role, login string) {
	t.Helper()
	role = fmt.Sprintf("%s_%d", name, os.Getpid())
	dropAtEnd(t, db, role)
	run(t, db, "CREATE ROLE "+role+" LOGIN")
	return role, pgservertest.Server(t, major).URLAs(role, databaseName(t, db))
}

func databaseName(t *testing.T, db string) string {
	t.Helper()
	return content(t, db, "SELECT current_database()::text")[0]
}

// wantRefused fails unless a run was refused with these words.
func wantRefused(t *testing.T, err error, words ...string) {
	t.Helper()
	refused := new(apply.RefusedError)
	if !errors.As(err, &refused) {
		t.Errorf("not refused: %v", err)
		return
	}
	for _, w := range words {
		if !strings.Contains(refused.Text, w) {
			t.Errorf("no %q in %s", w, refused.Text)
		}
	}
}

// A ledger that somebody has changed is neither read nor written, by any command.
func TestPlantedLedger(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	for _, major := range pgservertest.Ends() {
		db := pgservertest.Database(t, major)
		run(t, db, base, rows)
		runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Expand})
		run(t, db, "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''it ran''; END'",
			"CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON onward_ledger.log FOR EACH ROW EXECUTE FUNCTION public.f()")
		for name, call := range map[string]func() error{
			"apply":  func() error { _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p}); return err },
			"status": func() error { _, err := apply.Status(t.Context(), db); return err },
			"log":    func() error { _, err := apply.Log(t.Context(), db, "", 1); return err },
			"abort":  func() error { _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); return err },
			"pause": func() error {
				_, err := apply.Control(t.Context(), db, "", apply.Pause, apply.Tuning{}, "")
				return err
			},
			"verify": func() error { _, err := apply.Verify(t.Context(), apply.Config{DB: db}, ""); return err },
			"contract": func() error {
				_, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, "")
				return err
			},
		} {
			planted := new(apply.PlantedError)
			if err := call(); !errors.As(err, &planted) || !strings.Contains(err.Error(), "trigger t on onward_ledger.log") {
				t.Errorf("%s = %v, want a PlantedError about trigger t", name, err)
			}
		}
	}
}

// The schema of the cursors must be a role's that the steps trust.
func TestPlantedCursorSchema(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	role, _ := ofRole(t, db, "cursors", onward.NewestMajor)
	run(t, db, "CREATE SCHEMA onward AUTHORIZATION "+role)
	planted := new(apply.PlantedError)
	_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p})
	if !errors.As(err, &planted) || !strings.Contains(err.Error(), "schema onward belongs to "+role) {
		t.Error(err)
	}
}

// The plan in the ledger must be the one that was begun.
func TestChangedPlanInLedger(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	runPlan(t, apply.Config{DB: db, Plan: p})
	const change = `UPDATE onward_ledger.plan SET plan = jsonb_set(plan, ARRAY['steps', (jsonb_array_length(plan->'steps') - 1)::text, 'sql'],
		to_jsonb('BEGIN; CREATE TABLE reached (id int); COMMIT;'::text))`
	run(t, db, "CREATE TABLE kept AS SELECT plan FROM onward_ledger.plan", change)
	_, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Contract}, "")
	wantRefused(t, err, "digest", "onward_ledger.plan")
	_, err = apply.Abort(t.Context(), apply.Config{DB: db}, "")
	wantRefused(t, err, "digest")
	run(t, db, "UPDATE onward_ledger.plan SET plan = (SELECT plan FROM kept)", "DROP TABLE kept")
	finishPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract})
}

// The table of the migrations' tool is a table, whose triggers, rules and policies somebody accepts.
func TestPlantedToolTable(t *testing.T) {
	t.Parallel()
	dir := repository(t, map[string]string{"migrations/000001_a.up.sql": "CREATE TABLE a (id int);"})
	const table = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)"
	const f = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
	for name, tc := range map[string]struct {
		sql      []string
		refused  string // "" if it is not
		accepted string
	}{
		"a plain table":   {sql: []string{table}},
		"an extra column": {sql: []string{table, "ALTER TABLE schema_migrations ADD at timestamptz DEFAULT now()"}},
		"a disabled trigger": {sql: []string{table, f, "CREATE TRIGGER audit BEFORE INSERT ON schema_migrations FOR EACH ROW EXECUTE FUNCTION f()",
			"ALTER TABLE schema_migrations DISABLE TRIGGER audit"}},
		"a view that reads it": {sql: []string{table, "CREATE VIEW v AS SELECT * FROM schema_migrations"}},
		"a view":               {sql: []string{"CREATE VIEW schema_migrations AS SELECT 1::bigint AS version, false AS dirty"}, refused: "not a plain table"},
		"a child table":        {sql: []string{table, "CREATE TABLE child () INHERITS (schema_migrations)"}, refused: "not a plain table"},
		"a trigger": {
			sql:     []string{table, f, "CREATE TRIGGER audit BEFORE INSERT ON schema_migrations FOR EACH ROW EXECUTE FUNCTION f()"},
			refused: "trigger audit of public.schema_migrations (public.f() of ", accepted: "audit",
		},
		"a rule": {sql: []string{table, "CREATE RULE also AS ON INSERT TO schema_migrations DO ALSO NOTIFY x"}, refused: "rule also", accepted: "also"},
		"a policy": {sql: []string{table, "ALTER TABLE schema_migrations ENABLE ROW LEVEL SECURITY", "CREATE POLICY mine ON schema_migrations USING (true)"},
			refused: "policy mine", accepted: "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			for i := range tc.sql {
				tc.sql[i] = strings.ReplaceAll(tc.sql[i], "f()", "public.f()")
			}
			run(t, db, tc.sql...)
			c := pendingOf(dir, db, "")
			c.AcceptTriggers = []string{"another"}
			_, err := apply.Pending(t.Context(), c)
			if tc.refused == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantRefused(t, err, tc.refused)
			if tc.accepted == "" {
				return
			}
			c.AcceptTriggers = append(c.AcceptTriggers, tc.accepted)
			if _, err := apply.Pending(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

// A superuser is warned, and does not run the code of a role without its rights.
func TestSuperuser(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	for name, tc := range map[string]struct{ sql, function string }{
		"a trigger": {"CREATE TRIGGER other BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION public.g()", "trigger other"},
		"an index":  {"CREATE INDEX other ON orders ((public.f(id)))", "index public.other"},
		"a default": {"ALTER TABLE orders ALTER note SET DEFAULT public.f(1)::text", ""},
		"a function of the owner": {"ALTER FUNCTION public.g() SECURITY DEFINER; " +
			"CREATE TRIGGER other BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION public.g()", ""},
		"a table of another role": {"CREATE TRIGGER other BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION public.g()", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, base, rows)
			role, _ := ofRole(t, db, "app_"+strings.ReplaceAll(name, " ", "_"), onward.NewestMajor)
			t.Cleanup(func() {
				conn, err := pgx.Connect(context.Background(), db)
				if err == nil {
					_, err = conn.Exec(context.Background(), "DROP FUNCTION public.f CASCADE; DROP FUNCTION public.g CASCADE")
					_ = conn.Close(context.Background())
				}
				if err != nil {
					t.Error(err)
				}
			})
			run(t, db, "CREATE FUNCTION public.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
				"CREATE FUNCTION public.f(bigint) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'",
				"ALTER FUNCTION public.g() OWNER TO "+role, "ALTER FUNCTION public.f(bigint) OWNER TO "+role, tc.sql)
			var events teller
			c := apply.Config{DB: db, Plan: p, Tell: events.tell}
			_, err := apply.Run(t.Context(), c)
			if tc.function == "" {
				if err != nil || !events.has(apply.Warned, "superuser") {
					t.Errorf("apply as superuser = %v, want success with a warning; events: %+v", err, events.list)
				}
				return
			}
			wantRefused(t, err, "superuser", tc.function, role, "--as-superuser")
			if left := content(t, db, "SELECT name FROM onward_ledger.plan"); len(left) > 0 {
				t.Errorf("it was begun: %v", left)
			}
			c.AsSuperuser = true
			runPlan(t, c)
		})
	}
}

// A superuser's steps do not look for their operators in a schema of others first.
func TestSuperuserSearchPath(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows, "ALTER DATABASE "+databaseName(t, db)+" SET search_path = public, pg_catalog")
	_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p})
	wantRefused(t, err, "superuser", "public, pg_catalog")
	runPlan(t, apply.Config{DB: db, Plan: p, AsSuperuser: true})
}

// A superuser does not run the SQL that another role may have put into its ledger.
func TestSuperuserOnLedgerOfOthers(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	role, login := ofRole(t, db, "keeper", onward.NewestMajor)
	run(t, db, base, rows, "ALTER TABLE orders OWNER TO "+role, "ALTER TABLE customers OWNER TO "+role, "GRANT CREATE ON SCHEMA public TO "+role,
		"GRANT CREATE ON DATABASE "+databaseName(t, db)+" TO "+role)
	runPlan(t, apply.Config{DB: login, Plan: p, Through: onward.Expand})
	if list, err := apply.Status(t.Context(), db); err != nil || len(list) != 1 {
		t.Errorf("apply.Status as superuser = %+v, %v, want 1 plan", list, err)
	}
	c := apply.Config{DB: db, Plan: p, Role: role}
	_, err := apply.Run(t.Context(), c)
	wantRefused(t, err, "superuser", "the ledger's owner "+role)
	c.AsSuperuser = true
	runPlan(t, c)
	finishPlan(t, apply.Config{DB: login, Plan: p, Through: onward.Contract})
}
