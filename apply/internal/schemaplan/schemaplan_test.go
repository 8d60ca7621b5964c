package schemaplan

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// A plan that names no schema runs in another one: its cursors get the schema's number, and the shared schema stays.
func TestPlanForSchema(t *testing.T) {
	t.Parallel()
	p := &onward.Plan{Steps: []onward.PlanStep{
		{ID: "a", SQL: `CREATE TABLE onward."c" (id int); SELECT 'onward.c'`, Effects: []onward.Effect{{Relation: "public.orders"}, {Relation: "onward.c"}}},
		{
			ID: "marks", SQL: `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $onward$BEGIN INSERT INTO onward.m VALUES (1); END$onward$`,
			Marks: []onward.PlanMarks{{Marks: "onward.m", Table: "orders"}},
		},
		{ID: "b", SQL: "DROP SCHEMA IF EXISTS onward;", Bookkeeping: true},
	}}
	digest, err := ledger.PlanDigest(p)
	if err != nil {
		t.Fatal(err)
	}
	p.Digest = digest
	got, err := PlanForSchema(p, ledger.Scope{OID: 7, Schema: "tenant"})
	if err != nil {
		t.Fatal(err)
	}
	want := []onward.PlanStep{{
		ID: "a", SQL: `CREATE TABLE onward.c_7 (id int); SELECT 'onward.c'`, Effects: []onward.Effect{{Relation: "tenant.orders"}, {Relation: "onward.c_7"}},
	}, {
		ID: "marks", SQL: `CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $onward$BEGIN INSERT INTO onward.m_7 VALUES (1); END$onward$`,
		Marks: []onward.PlanMarks{{Marks: "onward.m_7", Table: "orders"}},
	}}
	if diff := cmp.Diff(want, got.Steps); diff != "" {
		t.Error(diff)
	}
	if moved, err := ledger.PlanDigest(got); err != nil || moved != got.Digest || got.Digest == digest {
		t.Errorf("digest %q, and the plan's is %q (%v)", got.Digest, moved, err)
	}
}

func TestPlanNotForSchema(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT $$ SELECT * FROM public.orders $$": "it names public.orders",
		"DROP TABLE other.orders":                  "it names other.orders",
		"CREATE EXTENSION citext":                  "it may work on more than one schema has: CREATE EXTENSION citext",
	} {
		_, err := PlanForSchema(&onward.Plan{Steps: []onward.PlanStep{{ID: "a", SQL: sql}}}, ledger.Scope{OID: 7, Schema: "tenant"})
		if refused := new(run.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, want) {
			t.Errorf("PlanForSchema(%q) = %v, want a refusal with %q", sql, err, want)
		}
	}
}

// Only what is known to belong to one schema may run in many. Everything else is refused, also what Postgres may get one day.
func TestCheckStatements(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"CREATE ROLE auditor": "it may work on", "ALTER DATABASE app SET work_mem = '4MB'": "it may work on",
		"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x": "it may work on", "REINDEX SCHEMA app": "on all objects",
		"COMMENT ON SCHEMA public IS 'x'": "(schema)", "GRANT USAGE ON SCHEMA app TO x": "(schema)", "ALTER SCHEMA app RENAME TO old": "(schema)",
		"GRANT SELECT ON ALL TABLES IN SCHEMA app TO x": "on all objects", "COMMENT ON ROLE x IS 'x'": "(role)",
		"DROP EXTENSION citext": "(extension)", "DROP OWNED BY x": "it may work on", "ALTER TABLE t SET SCHEMA app": "it may work on",
		"VACUUM FULL": "on all objects", "VACUUM t; REINDEX INDEX i; CLUSTER t USING i": "", "CLUSTER": "on all objects",
		"COMMENT ON COLUMN app.t.c IS 'x'": "it names app.t", "COMMENT ON FUNCTION app.f() IS 'x'": "it names app.f", "DROP TYPE app.state": "it names app.state",
		"ALTER TYPE app.pair RENAME ATTRIBUTE a TO b": "it names app.pair", "CREATE STATISTICS app.s ON a, b FROM t": "it names app.s",
		"ALTER DOMAIN app.d DROP NOT NULL": "it names app.d", "DO $$ BEGIN EXECUTE 'DROP ' || f(); END $$": "known only when it runs",
		"DO $$ BEGIN IF f() THEN GRANT CREATE ON SCHEMA app TO x; END IF; END $$": "(schema)", "COPY t FROM '/t'": "it may work on",
		"SET search_path = app": "search_path", "RESET ALL": "search_path", "SET search_path TO DEFAULT": "search_path",
		"SELECT set_config('Search_Path', 'app', false)": "search_path", "ALTER FUNCTION f() SET search_path = pg_catalog, app": "search_path",
		"UPDATE pg_settings SET setting = 'app' WHERE name = 'search_path'":                                                  "search_path",
		"DO $$ DECLARE x text; BEGIN x := set_config('search_' || 'path', 'app', false); END $$":                             "search_path",
		"DO $$ DECLARE x text; BEGIN x := set_config('search_path', 'app', false); END $$":                                   "search_path",
		"ALTER FUNCTION f() SET search_path = ''":                                                                            "",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path FROM CURRENT AS 'SELECT 1'":                            "",
		"GRANT SELECT ON t TO x; GRANT EXECUTE ON FUNCTION f() TO x":                                                         "",
		"COMMENT ON COLUMN t.c IS 'x'; COMMENT ON TRIGGER g ON t IS 'x'":                                                     "",
		"DO $$ BEGIN ALTER TABLE t ADD COLUMN a int; EXCEPTION WHEN duplicate_column THEN NULL; END $$":                      "",
		"SET LOCAL lock_timeout = '2s'; ALTER TABLE t OWNER TO x; DROP POLICY p ON t; ALTER TYPE state ADD VALUE 'b'":        "",
		"ALTER TABLE t RENAME CONSTRAINT a TO b; ALTER TABLE t RENAME COLUMN a TO b; DROP SCHEMA IF EXISTS onward; CALL f()": "",
	} {
		if err := checkStatements(sql); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v instead of %q", sql, err, want)
		}
	}
}

// The block that sets a cursor's privileges names the cursor in a text. It follows, and stays a block of privileges.
func TestPrivilegesForSchema(t *testing.T) {
	t.Parallel()
	scope := ledger.Scope{OID: 7, Schema: "tenant"}
	for _, block := range []func(name string) string{
		func(name string) string { return acl.SetOwnerAlone(acl.Relation, name) },
		func(name string) string { return acl.SetLike(acl.Relation, name, "orders") },
	} {
		sql := func(name string) string { return "CREATE SCHEMA IF NOT EXISTS onward; " + block(name) + "; SELECT 1" }
		if got, want := renameCursors(sql("onward.c"), scope), sql("onward.c_7"); got != want {
			t.Errorf("renameCursors (-want +got):\n%s", cmp.Diff(want, got))
		}
	}
}

// A cursor's name fits in 63 bytes, and two long names stay two.
func TestCursorName(t *testing.T) {
	t.Parallel()
	scope := ledger.Scope{OID: 123456, Schema: "tenant"}
	long := strings.Repeat("é", 31)
	a, b := cursorName(long, scope), cursorName(long+"x", scope)
	if len(a) > longestName || len(b) > longestName || a == b || !strings.HasSuffix(a, "_123456") {
		t.Errorf("cursorName = %q and %q, want two different names of at most %d bytes", a, b, longestName)
	}
}

// The server's definitions name the new schema, also in the text of a regclass. The body of a function stays as the server keeps it.
func TestRenameSchema(t *testing.T) {
	t.Parallel()
	rename := RenameSchema("tenant_a", "tenant B")
	for text, want := range map[string]string{
		"nextval('tenant_a.ids'::regclass)":                              `nextval('"tenant B".ids'::regclass)`,
		`SELECT x FROM tenant_a.t JOIN other_tenant_a.t ON "tenant_a".y`: `SELECT x FROM "tenant B".t JOIN other_tenant_a.t ON "tenant_a".y`,
		"CREATE FUNCTION tenant_a.f(tenant_a.t) AS $function$SELECT FROM tenant_a.t$function$": `CREATE FUNCTION "tenant B".f("tenant B".t) AS ` +
			"$function$SELECT FROM tenant_a.t$function$",
	} {
		if diff := cmp.Diff(want, rename(text)); diff != "" {
			t.Error(diff)
		}
	}
}
