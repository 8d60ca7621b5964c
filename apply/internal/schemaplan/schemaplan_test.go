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
		"CREATE EXTENSION citext":                  "it creates, changes or drops an extension",
	} {
		_, err := PlanForSchema(&onward.Plan{Steps: []onward.PlanStep{{ID: "a", SQL: sql}}}, ledger.Scope{OID: 7, Schema: "tenant"})
		if refused := new(run.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, want) {
			t.Errorf("%s: %v", sql, err)
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
			t.Error(cmp.Diff(want, got))
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
		t.Errorf("%q %q", a, b)
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
