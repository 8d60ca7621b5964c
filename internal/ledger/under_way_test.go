package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// A guard statement fails while a plan is under way that replaces its migration, in the plan's schema only. A role that may not read the ledger knows
// whether a plan replaces it in some schema. Else it changes nothing: without a ledger, with an empty one, and after the plan.
func TestGuardStatement(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		db, owner := pgservertest.ConnectNew(t, major)
		exec := func(sql string) {
			t.Helper()
			if _, err := owner.Exec(t.Context(), sql); err != nil {
				t.Fatalf("run %q: %v", sql, err)
			}
		}
		role := "migrator_" + content(t, owner, "SELECT current_database()")
		exec("CREATE ROLE " + role + " LOGIN; CREATE SCHEMA tenant; CREATE SCHEMA other; CREATE SCHEMA later")
		t.Cleanup(func() { _, _ = owner.Exec(t.Context(), "DROP ROLE "+role) })
		stranger := pgservertest.Connect(t, db)
		if _, err := stranger.Exec(t.Context(), "SET ROLE "+role); err != nil {
			t.Fatal(err)
		}
		guard, _ := script.GuardStatement("db/2_b.sql")
		another, _ := script.GuardStatement("db/3_c.sql")
		check := func(label, wantOwner, wantAnother, wantStranger string, wantElse ...string) {
			t.Helper()
			for name, tc := range map[string]struct {
				conn      ledger.Conn
				sql, want string
			}{"owner": {owner, guard, wantOwner}, "owner, another migration": {owner, another, wantAnother}, "stranger": {stranger, guard, wantStranger},
				"stranger, another migration": {stranger, another, strings.Join(wantElse, "")}} {
				_, err := tc.conn.Exec(t.Context(), tc.sql)
				refused := new(pgconn.PgError)
				if tc.want == "" && err != nil || tc.want != "" && (!errors.As(err, &refused) || refused.Code != "55000" || !strings.Contains(refused.Message, tc.want)) {
					t.Errorf("%s, %s: %v, want %q", label, name, err, tc.want)
				}
			}
		}
		record := func(s ledger.Scope, id, catalog, path string) {
			t.Helper()
			if err := s.RecordPlan(t.Context(), owner, &ledger.Plan{ID: id, Path: "public", Plan: onward.Plan{
				Base: "main", Catalog: catalog, Migrations: []onward.PlannedMigration{{ID: "2_b", Path: path}},
			}}); err != nil {
				t.Fatal(err)
			}
		}
		setState := func(id, state string) {
			t.Helper()
			if _, err := ledger.SetPlanState(t.Context(), owner, id, state); err != nil {
				t.Fatal(err)
			}
		}
		const (
			cannotRead = "replaces db/2_b.sql, and "
			unlisted   = " cannot read whether it replaces db/"
		)
		check("without a ledger", "", "", "")
		if err := ledger.CreateLedger(t.Context(), owner, ""); err != nil {
			t.Fatal(err)
		}
		check("with an empty ledger", "", "", "")
		record(ledger.Scope{}, "unchanged", "", "db/2_b.sql")
		check("an unchanged migration runs", "", "", "")
		record(ledger.Scope{}, "p1", "x", "db/2_b.sql")
		check("a plan is under way", "plan p1 of onward is under way", "", cannotRead)
		setState("p1", ledger.Aborting)
		check("the plan is being undone", "plan p1 of onward is under way", "", cannotRead)
		setState("p1", ledger.Abandoned)
		check("the plan was undone", "", "", "")
		tenant, err := ledger.FindScope(t.Context(), owner, "tenant")
		if err != nil {
			t.Fatal(err)
		}
		record(tenant, "p2", "x", "db/2_b.sql")
		check("a plan of another schema", "", "", cannotRead)
		exec("SET search_path = other, tenant, public")
		check("a plan of a schema that is not the first", "", "", cannotRead)
		exec("SET search_path = tenant, public")
		check("a plan of the schema", "plan p2 of onward is under way", "", cannotRead)
		exec("ALTER SCHEMA later RENAME TO gone; ALTER SCHEMA tenant RENAME TO later; SET search_path = later, public")
		check("a plan of a renamed schema", "plan p2 of onward is under way", "", cannotRead)
		setState("p2", ledger.Done)
		check("the plan is done", "", "", "")
		record(ledger.Scope{}, "p3", "x", "db/3_c.sql")
		check("a plan of another migration", "", "plan p3 of onward is under way", "", "replaces db/3_c.sql, and ")
		for n := range 50 {
			record(ledger.Scope{}, fmt.Sprint("more ", n), "x", "db/4_d.sql")
		}
		check("too many plans", "", "plan p3 of onward is under way", unlisted, unlisted)
		setState("more 0", ledger.Done)
		setState("more 1", ledger.Done) // with the unchanged migration, 50 are left
		check("50 plans", "", "plan p3 of onward is under way", "", "replaces db/3_c.sql, and ")
	})
}

// A guard statement runs no code that somebody else planted in a schema of the ledger's name: it fails, and says why.
func TestGuardStatementAndPlantedLedger(t *testing.T) {
	t.Parallel()
	guard, _ := script.GuardStatement("db/2_b.sql")
	const (
		trap = "CREATE TABLE public.trapped (n int); " +
			"CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.trapped VALUES (1); RETURN true; END'; "
		schema = "CREATE SCHEMA onward_ledger; "
		plan   = "CREATE TABLE onward_ledger.plan (id text, state text, plan jsonb); "
		scopes = "CREATE TABLE onward_ledger.schema_plan (plan text, schema oid, name text); "
		row    = `INSERT INTO onward_ledger.plan VALUES ('p', 'running', '{"catalog": "x", "migrations": [{"path": "db/2_b.sql"}]}'); `
	)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		for name, planted := range map[string]string{
			"a view": "CREATE VIEW onward_ledger.plan AS SELECT ''::text AS id, ''::text AS state, '{}'::jsonb AS plan WHERE public.trap(); " + scopes,
			"a policy": plan + scopes + row + "ALTER TABLE onward_ledger.plan ENABLE ROW LEVEL SECURITY; " +
				"CREATE POLICY p ON onward_ledger.plan USING (public.trap()); ",
			"a type":      "CREATE TYPE public.state AS (v text); CREATE TABLE onward_ledger.plan (id text, state public.state, plan jsonb); " + scopes,
			"a partition": "CREATE TABLE onward_ledger.plan (id text, state text, plan jsonb) PARTITION BY LIST (id); " + scopes,
			"a child":     plan + scopes + "CREATE TABLE public.child () INHERITS (onward_ledger.plan); ",
			"scopes that are a view": plan + row + "CREATE VIEW onward_ledger.schema_plan " +
				"AS SELECT ''::text AS plan, 0::oid AS schema, ''::text AS name WHERE public.trap(); ",
		} {
			_, conn := pgservertest.ConnectNew(t, major)
			pgservertest.Exec(t, conn, trap+schema+planted+"GRANT USAGE ON SCHEMA onward_ledger TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA onward_ledger TO PUBLIC")
			for _, role := range []string{"NONE", "pg_monitor"} {
				pgservertest.Exec(t, conn, "SET ROLE "+role)
				_, err := conn.Exec(t.Context(), guard)
				if refused := new(pgconn.PgError); !errors.As(err, &refused) || !strings.Contains(refused.Message, "is not as onward makes it") {
					t.Errorf("Postgres %d, %s, role %s: %v", major, name, role, err)
				}
			}
			pgservertest.Exec(t, conn, "RESET ROLE")
			if n := content(t, conn, "SELECT count(*)::text FROM public.trapped"); n != "0" {
				t.Errorf("Postgres %d: %s ran its code", major, name)
			}
		}
	})
}

// A role that may write a ledger, and does not own it, records plans.
func TestPlanInLedgerOfAnother(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major)
		if err := ledger.CreateLedger(t.Context(), conn, ""); err != nil {
			t.Fatal(err)
		}
		pgservertest.Exec(t, conn, "GRANT USAGE ON SCHEMA onward_ledger TO pg_monitor; GRANT ALL ON ALL TABLES IN SCHEMA onward_ledger TO pg_monitor",
			"SET ROLE pg_monitor")
		plan := onward.Plan{Catalog: "x", Migrations: []onward.PlannedMigration{{ID: "2_b", Path: "db/2_b.sql"}}}
		if err := (ledger.Scope{}).RecordPlan(t.Context(), conn, &ledger.Plan{ID: "p", Path: "public", Plan: plan}); err != nil {
			t.Errorf("Postgres %d: %v", major, err)
		}
		if _, err := ledger.SetPlanState(t.Context(), conn, "p", ledger.Done); err != nil {
			t.Errorf("Postgres %d: %v", major, err)
		}
	})
}

func content(t *testing.T, conn ledger.Conn, sql string) (out string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql).Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
