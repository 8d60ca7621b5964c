package apply_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A schema that gets a new name in the middle of a plan keeps the plan: each command continues under the new name, and the result equals the
// release's.
func TestSchemaRenamed(t *testing.T) {
	t.Parallel()
	const more = "CREATE INDEX orders_note ON orders (note); COMMENT ON COLUMN orders.note IS 'kept';"
	p := planned(t, base+more, release)
	fill := p.Steps[backfillOf(t, p)].ID
	const old, renamed, quoted = "tenant_a", `Tenant "A`, `"Tenant ""A"`
	for _, c := range []struct{ name, to, want, column string }{
		{"apply", fill, "expected", "remark"},
		{"apply", "", "expected", "remark"},
		{"contract", "", "expected", "remark"},
		{"abort", fill, "before", "note"},
		{"abort", "", "before", "note"},
	} {
		t.Run(c.name+" "+c.to, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			createSchema(t, db, "expected", base, more, rows, release)
			createSchema(t, db, "before", base, more, rows)
			createSchema(t, db, old, base, more, rows)
			runPlan(t, apply.Config{DB: db, Plan: p, Schema: old, To: c.to})
			run(t, db, "ALTER SCHEMA tenant_a RENAME TO "+quoted)
			if list, err := apply.ReadSchemaPlans(t.Context(), db, renamed); err != nil || len(list) != 1 || list[0].Applied.State == onward.ApplyDone {
				t.Fatalf("the plans of the renamed schema = %+v, %v, want 1 that is not done", list, err)
			}
			for _, word := range []apply.Command{apply.Pause, apply.Resume} {
				if _, err := apply.ControlSchema(t.Context(), db, renamed, "", word, apply.Tuning{}, "me"); err != nil {
					t.Error(err)
				}
			}
			config := apply.Config{DB: db, Schema: renamed, Within: 20 * time.Second, Through: onward.Contract}
			switch c.name {
			case "apply":
				config.Plan = p
				finishPlan(t, config)
			case "contract":
				if _, err := apply.Continue(t.Context(), config, ""); err != nil {
					t.Fatal(err)
				}
			case "abort":
				if r, err := apply.Abort(t.Context(), config, ""); err != nil || r.State != onward.ApplyAbandoned {
					t.Fatalf("apply.Abort = %+v, %v, want it abandoned", r, err)
				}
			}
			if diff := cmp.Diff(definitions(t, db, c.want), definitions(t, db, renamed)); diff != "" {
				t.Error(diff)
			}
			query := "SELECT id || '|' || amount || '|' || " + c.column + " FROM orders ORDER BY id"
			if diff := cmp.Diff(content(t, address.WithSetting(db, "search_path", c.want), query),
				content(t, address.WithSetting(db, "search_path", quoted), query)); diff != "" {
				t.Error(diff)
			}
			if left := content(t, db, "SELECT nspname::text FROM pg_namespace WHERE nspname = 'onward'"); len(left) > 0 {
				t.Error("the schema of the cursors is left")
			}
		})
	}
}

// If another schema has got the former name, nobody says which of them the plan is for. Both are named, and nothing is changed. Without the other one
// the plan goes on, and its schema is known by the new name from then on.
func TestSchemaNameTaken(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark; ALTER TABLE orders RENAME COLUMN status TO state;")
	db := pgservertest.Database(t, onward.NewestMajor)
	createSchema(t, db, "tenant_a", base, rows)
	fill := backfillOf(t, p)
	runPlan(t, apply.Config{DB: db, Plan: p, Schema: "tenant_a", To: p.Steps[fill].ID})
	run(t, db, "ALTER SCHEMA tenant_a RENAME TO tenant_b")
	createSchema(t, db, "tenant_a", base, rows)
	for _, schema := range []string{"tenant_a", "tenant_b"} {
		c := apply.Config{DB: db, Schema: schema, Through: onward.Contract}
		_, aborted := apply.Abort(t.Context(), c, "")
		_, continued := apply.Continue(t.Context(), c, "")
		c.Plan = p
		_, applied := apply.Run(t.Context(), c)
		for _, err := range []error{aborted, continued, applied} {
			if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, `begun in the schema "tenant_a", which is now called "tenant_b"`) {
				t.Errorf("schema %s: %v, want a refusal with both names of the schema", schema, err)
			}
		}
	}
	run(t, db, "ALTER SCHEMA tenant_a RENAME TO other")
	runPlan(t, apply.Config{DB: db, Plan: p, Schema: "tenant_b"})
	run(t, db, "ALTER SCHEMA other RENAME TO tenant_a")
	for _, schema := range []string{"tenant_a", "tenant_b"} {
		finishPlan(t, apply.Config{DB: db, Plan: p, Schema: schema, Through: onward.Contract})
	}
}

// In a restored database schemas have other OIDs, and some have the OID that another one had. Their names count, and a plan goes on.
func TestSchemaRestored(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	s := pgservertest.Server(t, onward.NewestMajor)
	db := pgservertest.Database(t, onward.NewestMajor)
	fill := p.Steps[backfillOf(t, p)].ID
	for _, name := range []string{"tenant_a", "tenant_b", "tenant_c"} {
		createSchema(t, db, name, base, rows)
		runPlan(t, apply.Config{DB: db, Plan: p, Schema: name, To: fill})
	}
	// A copy keeps the OIDs, so two names are exchanged.
	config, err := pgx.ParseConfig(db)
	if err != nil {
		t.Fatal(err)
	}
	name, err := s.NewDatabase(t.Context(), config.Database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.DropDatabase(context.Background(), name) })
	restored := s.URL(name)
	run(t, restored, "ALTER SCHEMA tenant_a RENAME TO x", "ALTER SCHEMA tenant_b RENAME TO tenant_a", "ALTER SCHEMA x RENAME TO tenant_b",
		"ALTER SCHEMA tenant_c RENAME TO tenant_d")
	for _, name := range []string{"tenant_a", "tenant_b"} {
		if list, err := apply.ReadSchemaPlans(t.Context(), restored, name); err != nil || len(list) != 1 || list[0].Applied.State == onward.ApplyDone {
			t.Fatalf("the plans of schema %s = %+v, %v, want 1 that is not done", name, list, err)
		}
		c := apply.Config{DB: restored, Schema: name}
		if _, err := apply.Verify(t.Context(), c, ""); err != nil { // triggers have other OIDs there, too
			t.Fatal(err)
		}
		c.Plan, c.Through = p, onward.Contract
		finishPlan(t, c)
	}
	if list, err := apply.ReadSchemaPlans(t.Context(), restored, "tenant_d"); err != nil || len(list) > 0 {
		t.Errorf("it is not known that tenant_d was tenant_c: %+v %v", list, err)
	}
}
