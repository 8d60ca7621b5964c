package apply_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// Rails' migrations are programs, which only Rails runs. A plan made from SQL is recorded in Rails' table, under Rails' own
// lock. The real Rails continues after it, and onward after Rails.
func TestRails(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, adaptertest.RailsFiles(t, "database: <%= ENV['PGDATABASE'] %>", map[string]string{
		"db/migrate/20240101000000_create_orders.rb": adaptertest.RailsMigration("CreateOrders", "create_table(:orders) { |t| t.string :note }"),
		"db/migrate/20240102000000_wait.rb": adaptertest.RailsMigration("Wait",
			`execute "DO 'BEGIN WHILE EXISTS (SELECT FROM gates) LOOP PERFORM pg_sleep(0.05); END LOOP; END'"`),
	}), map[string]string{
		"db/migrate/20240103000000_add_amount.rb":  adaptertest.RailsMigration("AddAmount", "add_column :orders, :amount, :integer"),
		"db/migrate/20240103000000_add_amount.sql": "ALTER TABLE orders ADD COLUMN amount int;\n",
	})
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, "CREATE TABLE gates AS SELECT 1")
	connConfig, err := pgx.ParseConfig(db)
	if err != nil {
		t.Fatal(err)
	}
	migrate := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), "ruby", append([]string{"bin/rails", "db:migrate"}, args...)...)
		out := new(bytes.Buffer)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
		cmd.Env = append(os.Environ(), "PGHOST="+connConfig.Host, fmt.Sprint("PGPORT=", connConfig.Port), "PGUSER="+connConfig.User,
			"PGDATABASE="+connConfig.Database, "RAILS_ENV=production",
			"SECRET_KEY_BASE=x")
		return cmd, out
	}
	refused := new(apply.RefusedError)
	pending := func() (*onward.Applied, error) { return apply.Pending(t.Context(), pendingOf(dir, db, "")) }

	first, out := migrate("VERSION=20240102000000")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	look := pgservertest.Connect(t, db)
	ended := time.Now().Add(time.Minute)
	for isMigrating := false; !isMigrating; time.Sleep(50 * time.Millisecond) { // until it is in its second migration, and holds its lock
		if time.Now().After(ended) {
			t.Fatalf("it does not come so far\n%s", out)
		}
		if err := look.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'DO ''BEGIN WHILE%')").Scan(&isMigrating); err != nil {
			t.Fatalf("look for the running migration: %v\n%s", err, out)
		}
	}
	release := audit.Config{Dir: dir, Base: "main", Head: "feature"}
	release.DB = db
	p, _, err := plan.Make(t.Context(), plan.Config{Config: rehearse.Config{Config: release, Majors: []int{onward.NewestMajor}}, Sketch: true})
	if err != nil || len(p.Migrations) != 1 || p.Migrations[0].Hash == "" {
		t.Fatalf("plan.Make = %+v, %v, want 1 migration with a hash\n%s", p, err, out)
	}
	lost := 0
	c := apply.PendingConfig{Config: apply.Config{DB: db, Plan: markProven(t, p), Through: onward.Contract}, Repository: audit.Config{Dir: dir, Head: "feature"}}
	c.Tell = func(e apply.Event) {
		if e.Kind == apply.Lost && strings.Contains(e.Words, "own tool is at work") {
			if lost++; lost == 1 {
				run(t, db, "DELETE FROM gates")
			}
		}
	}
	if r, err := apply.RunPlanAndRecord(t.Context(), c); err != nil || r.State != onward.ApplyDone || r.Next != "" || lost == 0 {
		t.Fatalf("%+v %v, lost %d\n%s", r, err, lost, out)
	}
	if err := first.Wait(); err != nil {
		t.Fatalf("the first db:migrate: %v\n%s", err, out)
	}

	gittest.WriteFiles(t, dir, map[string]string{
		"db/migrate/20240104000000_count.rb": adaptertest.RailsMigration("Count", "add_column :orders, :count, :integer"),
	})
	if _, err := pending(); !errors.As(err, &refused) || !strings.Contains(refused.Text, "db/migrate/20240104000000_count.rb is a program (Ruby)") ||
		!strings.Contains(refused.Text, "onward guard --db ADDRESS -- bin/rails db:migrate") {
		t.Error(err)
	}
	metadata := content(t, db, "SELECT m::text FROM ar_internal_metadata AS m")
	second, out := migrate()
	if err := second.Run(); err != nil || strings.Contains(out.String(), "AddAmount") || !strings.Contains(out.String(), "Count: migrated") {
		t.Errorf("the second db:migrate: %v, want Count alone migrated\n%s", err, out)
	}
	if diff := cmp.Diff([]string{
		"20240101000000", "20240102000000", "20240103000000", "20240104000000",
	}, content(t, db, "SELECT version FROM schema_migrations ORDER BY 1")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(metadata, content(t, db, "SELECT m::text FROM ar_internal_metadata AS m")); diff != "" {
		t.Error(diff)
	}
	if r, err := pending(); err != nil || len(r.Steps) != 0 {
		t.Errorf("pending migrations after db:migrate = %+v, %v, want no steps", r, err)
	}
}

// While a plan is under way, the real Rails fails at the guard of a replaced migration, and changes nothing. From the last step before the contract on it
// has nothing to do, and on a fresh database it runs both migrations.
func TestGuardWithRails(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, adaptertest.RailsFiles(t, "database: <%= ENV['PGDATABASE'] %>", map[string]string{
		"db/migrate/20240101000000_create_orders.rb": adaptertest.RailsMigration("CreateOrders", "create_table(:orders) { |t| t.string :note }"),
	}), map[string]string{
		"db/migrate/20240102000000_rename.rb": adaptertest.RailsMigration("Rename", "rename_column :orders, :note, :remark"),
	})
	db, fresh := pgservertest.Database(t, onward.NewestMajor), pgservertest.Database(t, onward.NewestMajor)
	migrate := func(db string, args ...string) (string, error) {
		connConfig, err := pgx.ParseConfig(db)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "ruby", append([]string{"bin/rails", "db:migrate"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PGHOST="+connConfig.Host, fmt.Sprint("PGPORT=", connConfig.Port), "PGUSER="+connConfig.User,
			"PGDATABASE="+connConfig.Database, "RAILS_ENV=production",
			"SECRET_KEY_BASE=x")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := migrate(db, "VERSION=20240101000000"); err != nil {
		t.Fatalf("db:migrate up to 20240101000000: %v\n%s", err, out)
	}
	repository := audit.Config{Dir: dir, Base: "main"}
	p, _, err := plan.Make(t.Context(), plan.Config{Config: rehearse.Config{Config: repository, Majors: []int{onward.NewestMajor}}, Sketch: true})
	if err != nil || p.Contract() == len(p.Steps) {
		t.Fatalf("plan.Make = %+v, %v, want a plan with a contract", p, err)
	}
	if g, err := plan.Guard(t.Context(), repository, p); err != nil || len(g.Written) != 1 {
		t.Fatalf("plan.Guard = %+v, %v, want 1 file written", g, err)
	}
	const columns = "SELECT attname::text FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
	if out, err := migrate(fresh); err != nil {
		t.Fatalf("db:migrate on a fresh database: %v\n%s", err, out)
	}
	if diff := cmp.Diff([]string{"id", "remark"}, content(t, fresh, columns)); diff != "" {
		t.Error(diff)
	}
	c := apply.PendingConfig{Config: apply.Config{DB: db, Plan: markProven(t, p), Through: onward.Expand}, Repository: repository}
	if r, err := apply.RunPlanAndRecord(t.Context(), c); err != nil {
		t.Fatalf("apply the expand phase: %v; its result: %+v", err, r)
	}
	if out, err := migrate(db); err == nil || !strings.Contains(out, "of onward is under way on this database") {
		t.Fatalf("db:migrate while the plan is under way: %v, want the guard's error\n%s", err, out)
	}
	if diff := cmp.Diff([]string{"id", "note", "remark"}, content(t, db, columns)); diff != "" {
		t.Fatal(diff)
	}
	c.Through = onward.Backfill
	if r, err := apply.RunPlanAndRecord(t.Context(), c); err != nil || !r.Readiness[0].Migrate {
		t.Fatalf("apply through the backfill = %+v, %v, want it ready to migrate", r, err)
	}
	if out, err := migrate(db); err != nil {
		t.Fatalf("db:migrate after the backfill: %v\n%s", err, out)
	}
	if diff := cmp.Diff([]string{"id", "note", "remark"}, content(t, db, columns)); diff != "" {
		t.Error(diff)
	}
}

// Where all that there is are programs of tools that are not read, they are refused by the tools' names, with what to run.
func TestPrograms(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.NewestMajor)
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"Rails": {
			map[string]string{
				"db/migrate/20240101000000_a.rb": adaptertest.RailsMigration("A", "create_table(:a)"),
				"db/structure.sql":               orders,
				"db/schema.rb":                   "ActiveRecord::Schema.define {}\n",
			},
			[]string{"the database has no table schema_migrations", "run the tool itself once"},
		},
		"Alembic": {
			map[string]string{"alembic/env.py": "#\n", "alembic/versions/1a_a.py": "revision = '1a'\n"},
			[]string{"alembic/versions are programs of Alembic", "onward guard --db ADDRESS -- alembic upgrade head"},
		},
		"both": {
			map[string]string{"sql/1_a.sql": orders, "sql/2_b.sql": "SELECT 1;\n", "alembic/env.py": "#\n", "alembic/versions/1a_a.py": "revision = '1a'\n"},
			[]string{"keeps count", "alembic/versions are programs of Alembic"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := gittest.Commits(t, tc.files)
			refused := new(apply.RefusedError)
			_, err := apply.Pending(context.Background(), pendingOf(dir, db, ""))
			if !errors.As(err, &refused) {
				t.Fatal(err)
			}
			for _, w := range tc.want {
				if !strings.Contains(refused.Text, w) {
					t.Errorf("%q lacks %q", refused.Text, w)
				}
			}
		})
	}
}
