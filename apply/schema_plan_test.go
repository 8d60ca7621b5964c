package apply_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// createSchema creates a schema with the deployed tables and rows, and returns an address whose sessions are in it.
func createSchema(t *testing.T, db, name string, sql ...string) string {
	t.Helper()
	s := pgx.Identifier{name}.Sanitize()
	run(t, db, "CREATE SCHEMA "+s)
	inside := address.WithSetting(db, "search_path", s)
	run(t, inside, sql...)
	return inside
}

// definitions are the definitions in a schema, without its name.
func definitions(t *testing.T, db, name string) (out []string) {
	t.Helper()
	s := pgx.Identifier{name}.Sanitize()
	if !strings.ContainsAny(name, ` "`) && strings.ToLower(name) == name {
		s = name
	}
	for _, sql := range schema(t, db) {
		if strings.Contains(sql, s+".") {
			out = append(out, strings.ReplaceAll(sql, s+".", ""))
		}
	}
	slices.Sort(out)
	return out
}

// One plan runs in several schemas of a database: each has its own lease, progress and cursors. The result is what the release itself makes.
func TestSchemas(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	first, second := createSchema(t, db, "tenant_a", base, rows), createSchema(t, db, `Tenant "B"`, base, rows)
	expected := createSchema(t, db, "expected", base, rows, release)
	c := apply.Config{DB: db, Plan: p, Schema: "tenant_a", Within: 20 * time.Second}
	nested := sync.OnceFunc(func() { // while the lease of the first schema is held
		other := c
		other.Schema, other.Tell, other.Within = `Tenant "B"`, nil, time.Second
		if r, err := apply.Run(t.Context(), other); err != nil || r.Plan == "" {
			t.Errorf("apply in the second schema = %+v, %v, want a plan with an ID", r, err)
		}
	})
	c.Tell = func(e apply.Event) {
		if e.Kind == apply.Finished && strings.HasSuffix(e.Step.ID, "-backfill") {
			nested()
		}
	}
	runPlan(t, c)
	c.Tell, c.Through = nil, onward.Contract
	for _, name := range []string{"tenant_a", `Tenant "B"`} {
		c.Schema = name
		if r, err := apply.Run(t.Context(), c); err != nil || r.State != onward.ApplyDone {
			t.Fatalf("the contract in schema %s = %+v, %v, want it done", name, r, err)
		}
		if diff := cmp.Diff(definitions(t, db, "expected"), definitions(t, db, name)); diff != "" {
			t.Errorf("definitions of schema %s (-want +got):\n%s", name, diff)
		}
	}
	want := content(t, expected, ordered)
	for _, inside := range []string{first, second} {
		if diff := cmp.Diff(want, content(t, inside, ordered)); diff != "" || len(want) != 6000 {
			t.Errorf("%d rows: %s", len(want), diff)
		}
	}
	if left := content(t, db, "SELECT nspname::text FROM pg_namespace WHERE nspname = 'onward'"); len(left) > 0 {
		t.Error("the schema of the cursors is left")
	}
	if list, err := apply.Status(t.Context(), db); err != nil || len(list) > 0 {
		t.Errorf("the whole database has plans: %+v %v", list, err)
	}
	if list, err := apply.ReadSchemaPlans(t.Context(), db, "tenant_a"); err != nil || len(list) != 1 || list[0].Applied.State != onward.ApplyDone {
		t.Errorf("the plans of tenant_a = %+v, %v, want 1 that is done", list, err)
	}
	// A schema that was dropped and created again has none of it.
	run(t, db, "DROP SCHEMA tenant_a CASCADE")
	createSchema(t, db, "tenant_a", base, rows)
	if list, err := apply.ReadSchemaPlans(t.Context(), db, "tenant_a"); err != nil || len(list) > 0 {
		t.Errorf("the plans of a new tenant_a = %+v, %v, want none", list, err)
	}
	c.Schema = "tenant_a"
	if r, err := apply.Run(t.Context(), c); err != nil || r.State != onward.ApplyDone {
		t.Errorf("apply in a new tenant_a = %+v, %v, want it done", r, err)
	}
	if diff := cmp.Diff(want, content(t, first, ordered)); diff != "" {
		t.Error(diff)
	}
}

// An abort in one schema leaves another one, which is in the middle of the same plan, alone.
func TestSchemaAborted(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	createSchema(t, db, "tenant_a", base, rows)
	inside := createSchema(t, db, "tenant_b", base, rows)
	before := definitions(t, db, "tenant_a")
	if len(before) < 3 {
		t.Fatalf("tenant_a has the definitions %q, want 3 or more", before)
	}
	step := slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.Phase == onward.Backfill })
	for _, name := range []string{"tenant_a", "tenant_b"} {
		runPlan(t, apply.Config{DB: db, Plan: p, Schema: name, To: p.Steps[step].ID})
	}
	if r, err := apply.Abort(t.Context(), apply.Config{DB: db, Schema: "tenant_a"}, ""); err != nil || r.State != onward.ApplyAbandoned {
		t.Fatalf("abort in tenant_a = %+v, %v, want it abandoned", r, err)
	}
	if diff := cmp.Diff(before, definitions(t, db, "tenant_a")); diff != "" {
		t.Error(diff)
	}
	if _, err := apply.Continue(t.Context(), apply.Config{DB: db, Schema: "tenant_b", Through: onward.Contract}, ""); err == nil {
		t.Error("the contract began before the backfills were done")
	}
	for _, phase := range []onward.PlanPhase{onward.Backfill, onward.Contract} {
		runPlan(t, apply.Config{DB: db, Plan: p, Schema: "tenant_b", Through: phase})
	}
	if n := content(t, inside, ordered); len(n) != 6000 {
		t.Errorf("tenant_b has %d rows, want 6000", len(n))
	}
}

// A plan that names a schema, or what a database has once, is refused before anything is sent. So are a schema that does not exist and one in
// another state.
func TestSchemaRefused(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	createSchema(t, db, "tenant_a", "CREATE TABLE orders (id bigint PRIMARY KEY, note text)",
		"CREATE FUNCTION checked() RETURNS int LANGUAGE sql AS 'SELECT 1'")
	const table = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
	for release, want := range map[string]string{
		"CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int);":                                 "a schema",
		"CREATE EXTENSION pg_trgm;":                                                                      "CREATE EXTENSION pg_trgm",
		"CREATE TABLE billing.invoices (id int);":                                                        "it works on billing.invoices",
		"CREATE TYPE billing.state AS ENUM ('a');":                                                       "it names billing.state",
		"CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM \"public\" . orders';": `it names public" . orders`,
		"ALTER TABLE orders ADD COLUMN b int; ALTER SCHEMA public OWNER TO CURRENT_USER;":                "(schema)",
	} {
		p := planned(t, table, release)
		_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Schema: "tenant_a"})
		if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("apply %s = %v, want a refusal with %q", release, err, want)
		}
	}
	p := planned(t, table, "ALTER TABLE orders ADD COLUMN a int;")
	run(t, db, "CREATE SCHEMA tenant_b", "CREATE TABLE tenant_b.orders (id int PRIMARY KEY, note text)", `CREATE SCHEMA "a.b"`)
	for schema, want := range map[string]string{"tenant_x": "no schema", "tenant_b": "the plan is for another schema", "a.b": "a dot"} {
		_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Schema: schema})
		if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
			t.Errorf("apply in schema %s = %v, want a refusal with %q", schema, err, want)
		}
	}
	if _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Schema: "tenant_a", SearchPath: "public, tenant_a"}); err == nil ||
		!strings.Contains(err.Error(), "does not begin with the schema") {
		t.Error(err)
	}
	if r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Schema: "tenant_a"}); err != nil || r.State != onward.ApplyDone {
		t.Errorf("apply in tenant_a = %+v, %v, want it done", r, err)
	}
}

// A command to the backfills of one schema reaches no other one, and a schema's name may have any letters.
func TestSchemaControl(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	step := slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.Phase == onward.Backfill })
	const paused, other = "tenant\n\x1b[31m<b>", "tenant_b"
	for _, name := range []string{paused, other} {
		createSchema(t, db, name, base, rows)
		runPlan(t, apply.Config{DB: db, Plan: p, Schema: name, To: p.Steps[step-1].ID})
	}
	say := func(command apply.Command, tune apply.Tuning) {
		t.Helper()
		if ids, err := apply.ControlSchema(t.Context(), db, paused, "", command, tune, "the night shift"); err != nil || len(ids) != 1 {
			t.Fatalf("apply.ControlSchema = %v, %v, want 1 plan", ids, err)
		}
	}
	say(apply.Pause, apply.Tuning{})
	say(apply.Tune, apply.Tuning{Rows: 60, Rest: -1})
	if _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Schema: other}); err != nil {
		t.Error(err)
	}
	if _, err := apply.ControlSchema(t.Context(), db, other, "", apply.Cancel, apply.Tuning{}, "x"); err == nil {
		t.Error("a plan that is done was cancelled")
	}
	if _, err := apply.ControlSchema(t.Context(), db, "nobody", "", apply.Pause, apply.Tuning{}, "x"); !errors.As(err, new(*config.InputError)) {
		t.Error(err)
	}
	if _, err := apply.Control(t.Context(), db, "", apply.Pause, apply.Tuning{}, "x"); err == nil {
		t.Error("the whole database has no plan")
	}
	var events teller
	end := background(func() (*onward.Applied, error) {
		return apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Schema: paused, Tell: events.tell})
	})
	until(t, "the pause", func() bool { return events.has(apply.Throttled, "paused by the night shift") })
	say(apply.Resume, apply.Tuning{})
	until(t, "a batch", func() bool { return events.has(apply.Passed, "") })
	say(apply.Tune, apply.Tuning{Rows: 5000})
	if _, err := end(); err != nil {
		t.Error(err)
	}
	events.mu.Lock()
	defer events.mu.Unlock()
	if i := slices.IndexFunc(events.list, func(e apply.Event) bool { return e.Kind == apply.Passed }); events.list[i].Rows > 60 {
		t.Errorf("the first batch had %d rows", events.list[i].Rows)
	}
}
