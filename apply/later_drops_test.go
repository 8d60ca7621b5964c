package apply_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

// While a plan is under way, migrations and plans that use what its contract will drop are refused, and all others run. After the contract nothing
// is refused.
func TestLaterDrops(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, onward.NewestMajor} {
		db := pgservertest.Database(t, major)
		run(t, db, orders, gooseTable, gooseFirst)
		c := inRepository(t, gooseBase, gooseRelease, db)
		c.Through = onward.Backfill
		first, err := apply.RunPlanAndRecord(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{
			"db/00003_c.sql": "-- +goose Up\nCREATE TABLE posts (id bigint PRIMARY KEY, note text);\nALTER TABLE orders ADD COLUMN amount int;\n",
			"db/00004_d.sql": "-- +goose Up\nUPDATE orders SET note = 'x' WHERE id = 1;\n",
		}
		base := map[string]string{"db/00001_a.sql": gooseBase["db/00001_a.sql"], "db/00002_b.sql": gooseRelease["db/00002_b.sql"]}
		dir := gittest.Commits(t, base, files)
		check := func(words string) {
			t.Helper()
			wantParts := []string{"column note of orders", "plan " + first.Plan}
			for _, w := range append(wantParts, "onward contract --db ADDRESS --plan "+first.Plan, "onward abort --db ADDRESS --plan "+first.Plan) {
				if !strings.Contains(words, w) {
					t.Errorf("%q is missing in %s", w, words)
				}
			}
		}
		report, err := audit.Changelog(t.Context(), audit.Config{Dir: dir, Base: "main", Head: "feature", Deployed: audit.Deployed{DB: db}})
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, f := range report.Findings {
			if f.Rule == "release-plan-under-way" {
				found++
				if check(f.Fact + f.Instead); f.Path != "db/00004_d.sql" || f.Severity != onward.Error {
					t.Errorf("the finding is %+v, want an error in db/00004_d.sql", f)
				}
			}
		}
		if found != 1 {
			t.Errorf("%d findings: %+v", found, report.Findings)
		}
		refused := new(apply.RefusedError)
		if _, err := apply.Pending(t.Context(), pendingOf(dir, db, "")); !errors.As(err, &refused) {
			t.Fatal(err)
		}
		check(refused.Text)
		if _, err := apply.Pending(t.Context(), pendingOf(dir, db, "3")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"0 true", "1 true", "2 true", "3 true"}, content(t, db, versions)); diff != "" {
			t.Error(diff)
		}
		setDefault := func(table string) error {
			column := "ALTER TABLE " + table + " ALTER COLUMN note "
			p := handmade(t, db, onward.PlanStep{Class: onward.StepDDL, SQL: column + "SET DEFAULT 'x'", Undo: column + "DROP DEFAULT"})
			_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p})
			return err
		}
		if err := setDefault("orders"); !errors.As(err, &refused) {
			t.Fatal(err)
		}
		check(refused.Text + refused.Next)
		if err := setDefault("posts"); err != nil {
			t.Error(err)
		}
		c.Through = onward.Contract
		if _, err := apply.RunPlanAndRecord(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		files["db/00004_d.sql"] = "-- +goose Up\nALTER TABLE orders ADD COLUMN note text;\n"
		dir = gittest.Commits(t, base, files)
		if _, err := apply.Pending(t.Context(), pendingOf(dir, db, "")); err != nil {
			t.Error(err)
		}
	}
}

// A plan in one schema of a database protects what it will drop there, also after the schema got another name, and nothing in the other schemas.
func TestLaterDropsOfSchema(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	db := pgservertest.Database(t, onward.NewestMajor)
	createSchema(t, db, "tenant_a", base, rows)
	createSchema(t, db, "tenant_b", base, rows)
	runPlan(t, apply.Config{DB: db, Plan: p, Schema: "tenant_a", Through: onward.Backfill, Within: 20 * time.Second})
	list := func(onlySchema string) (out []string) {
		t.Helper()
		read, names := live.ReadSchema, []string(nil)
		if onlySchema != "" {
			names = []string{onlySchema}
			read = func(ctx context.Context, url string) (*live.Schema, error) {
				return live.ReadSchemaAsPublic(ctx, url, onlySchema)
			}
		}
		schema, err := read(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		drops, err := underway.ReadLaterDrops(t.Context(), db, schema.Catalog, onlySchema, names)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range drops {
			_, command, _ := strings.Cut(d.AbortCommand, " --plan "+d.Plan)
			out = append(out, d.Text+command)
		}
		return out
	}
	for onlySchema, want := range map[string][]string{
		"":         {"column note of tenant_a.orders --schema tenant_a"},
		"tenant_a": {"column note of tenant_a.orders --schema tenant_a"},
		"tenant_b": nil,
	} {
		if diff := cmp.Diff(want, list(onlySchema)); diff != "" {
			t.Errorf("drops of the schema %q (-want +got):\n%s", onlySchema, diff)
		}
	}
	run(t, db, "ALTER SCHEMA tenant_a RENAME TO tenant_c")
	for _, onlySchema := range []string{"", "tenant_c"} {
		if got := list(onlySchema); len(got) != 1 || !strings.HasSuffix(got[0], " --schema tenant_c") {
			t.Errorf("%q after the new name: %q", onlySchema, got)
		}
	}
}
