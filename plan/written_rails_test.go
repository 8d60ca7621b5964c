package plan_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// railsMigration returns a migration.
func railsMigration(class string, body ...string) string {
	return "class " + class + " < ActiveRecord::Migration[6.1]\n  def up\n    " + strings.Join(body, "\n    ") + "\n  end\nend\n"
}

// railsProject is an application with a release, and a database at its base.
type railsProject struct {
	t       *testing.T
	dir, db string
	major   int
	audit   audit.Config
}

const railsBase = "20240101000000"

func newRailsProject(t *testing.T, major int) *railsProject {
	t.Helper()
	if err := exec.Command("ruby", "-e", `gem "railties"; gem "activerecord"; gem "pg"`).Run(); err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	dir := gittest.Commits(t, map[string]string{
		"bin/rails": "APP_PATH = File.expand_path('../config/application', __dir__)\nrequire 'rails/commands'\n",
		"Rakefile":  "require_relative 'config/application'\nRails.application.load_tasks\n",
		"config/application.rb": "require 'rails'\nrequire 'active_record/railtie'\nmodule Shop\n  class Application < Rails::Application\n" +
			"    config.load_defaults 6.1\n    config.eager_load = false\n    config.active_record.dump_schema_after_migration = false\n  end\nend\n",
		"config/environment.rb":              "require_relative 'application'\nRails.application.initialize!\n",
		"config/database.yml":                "production:\n  adapter: postgresql\n  database: <%= ENV['PGDATABASE'] %>\n",
		"config/initializers/inflections.rb": "ActiveSupport::Inflector.inflections(:en) do |inflect|\n  inflect.acronym 'API'\nend\n",
		".gitignore":                         "log/\ntmp/\n",
		"db/migrate/" + railsBase + "_create_orders.rb": railsMigration("CreateOrders", "create_table(:customers) { |t| t.string :country; t.text :name }",
			"create_table(:orders) { |t| t.bigint :customer_id; t.text :note; t.text :code; t.integer :size }"),
	})
	gittest.RunGit(t, dir, "checkout", "-q", "-b", "feature")
	gittest.WriteFiles(t, dir, map[string]string{"db/migrate/20240102000000_change_api_orders.rb": railsMigration("ChangeAPIOrders",
		`add_index :orders, [:code, :size], where: "code <> '#{1}\\#x'"`,
		"add_foreign_key :orders, :customers",
		"rename_column :orders, :note, :remark",
		`add_check_constraint :orders, "size < 1000000", name: "orders_size"`,
		`execute "UPDATE customers SET country = 'NO' WHERE country IS NULL"`,
		"change_column_null :customers, :country, false",
		"remove_column :customers, :name")})
	p := &railsProject{t: t, dir: dir, major: major, db: pgservertest.Database(t, major), audit: audit.Config{Dir: dir, Base: "main"}}
	p.migrate(p.db, "VERSION="+railsBase)
	p.addRows(p.db)
	return p
}

// migrate runs the real Rails, and returns what it prints.
func (p *railsProject) migrate(database string, args ...string) string {
	p.t.Helper()
	at, err := pgx.ParseConfig(database)
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), "ruby", append([]string{"bin/rails", "db:migrate"}, args...)...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "PGHOST="+at.Host, fmt.Sprint("PGPORT=", at.Port), "PGUSER="+at.User, "PGDATABASE="+at.Database, "RAILS_ENV=production",
		"SECRET_KEY_BASE=x")
	talk, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v\n%s", err, talk)
	}
	return string(talk)
}

// addRows adds rows of the base.
func (p *railsProject) addRows(database string) {
	pgservertest.Exec(p.t, pgservertest.Connect(p.t, database),
		"INSERT INTO customers (country, name) SELECT CASE WHEN n % 3 > 0 THEN 'SE' END, 'n' FROM generate_series(1, 2500) AS n",
		"INSERT INTO orders (customer_id, note, code, size) SELECT n, 'n' || n, 'c' || n, n FROM generate_series(1, 2500) AS n")
}

// plan plans the release.
func (p *railsProject) plan() *onward.Plan {
	p.t.Helper()
	c := plan.Config{Sketch: true, Config: rehearse.Config{Config: p.audit, Majors: []int{p.major}}}
	c.Quiet()
	return makePlan(p.t, c)
}

// compare compares the database with one at which Rails ran the release itself.
func (p *railsProject) compare(want string) {
	p.t.Helper()
	differ, err := plan.Differ(p.t.Context(), want, p.db)
	if err != nil || len(differ) > 0 {
		p.t.Errorf("%v\n%s", err, strings.Join(differ, "\n"))
	}
	columns := []string{"id, customer_id, remark, code, size FROM orders", "id, country FROM customers"}
	if diff := cmp.Diff(contents(p.t, want, columns), contents(p.t, p.db, columns)); diff != "" {
		p.t.Errorf("rows (-release +plan):\n%s", diff)
	}
}

// release returns a database at which Rails ran the release itself.
func (p *railsProject) release() string {
	p.t.Helper()
	out := pgservertest.Database(p.t, p.major)
	p.migrate(out, "VERSION="+railsBase)
	p.addRows(out)
	p.migrate(out)
	return out
}

// TestRailsWritten writes a plan as migrations of an application, and lets the real Rails run them to their end. Each step that Active Record has
// calls for is written as these.
func TestRailsWritten(t *testing.T) {
	t.Parallel()
	for _, major := range rotation.Pick(t, 2, []int{onward.OldestMajor, onward.NewestMajor}) {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			p := newRailsProject(t, major)
			want := p.release()
			draft, err := plan.Write(t.Context(), p.audit, p.plan())
			if err != nil {
				t.Fatal(err)
			}
			save(t, draft)
			for _, m := range draft.Replaced {
				if err := os.Remove(filepath.Join(p.dir, m)); err != nil {
					t.Fatal(err)
				}
			}
			conn := pgservertest.Connect(t, p.db)
			if byHand := carryOut(t, p.audit, draft, conn, func() { p.migrate(p.db) }); byHand != 2 {
				t.Errorf("%d steps were run by hand", byHand)
			}
			p.compare(want)
			var all strings.Builder
			files, err := filepath.Glob(filepath.Join(p.dir, "db/migrate/*.rb"))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				all.Write(text)
			}
			for _, call := range []string{
				"class ChangeAPIOrders01Expand < ActiveRecord::Migration[6.1]\n  disable_ddl_transaction!\n", "raise ActiveRecord::IrreversibleMigration, ",
				`add_index :orders, [:code, :size], name: "index_orders_on_code_and_size", where: "code <> '1\\\#x'", algorithm: :concurrently`,
				`add_foreign_key :orders, :customers, column: :customer_id, name: "fk_rails_3dad120da9", validate: false`,
				`validate_foreign_key :orders, name: "fk_rails_3dad120da9"`, "add_column :orders, :remark, :text",
				`add_check_constraint :orders, "size < 1000000", name: "orders_size", validate: false`,
				`validate_check_constraint :orders, name: "orders_size"`,
				"change_column_null :customers, :country, false", "remove_column :customers, :name",
			} {
				if !strings.Contains(all.String(), call) {
					t.Errorf("%s is missing in:\n%s", call, all.String())
				}
			}
		})
	}
}

// After a plan that onward carried out, the real Rails has nothing to do, and continues with the next migration.
func TestRailsRecorded(t *testing.T) {
	t.Parallel()
	if !rotation.IsDue(t, 3) {
		return
	}
	p := newRailsProject(t, onward.NewestMajor)
	want := p.release()
	got, err := apply.RunPlanAndRecord(t.Context(), apply.PendingConfig{
		Config:     apply.Config{DB: p.db, Plan: p.plan(), Through: onward.Contract, Unproven: "this test compares the result"},
		Repository: p.audit,
	})
	if err != nil || got.State != onward.ApplyDone || got.Next != "" {
		t.Fatalf("%+v %v", got, err)
	}
	if talk := p.migrate(p.db); strings.Contains(talk, "migrating") {
		t.Errorf("Rails has something to do:\n%s", talk)
	}
	pgservertest.Exec(t, pgservertest.Connect(t, p.db), "DROP SCHEMA onward_ledger CASCADE")
	p.compare(want)
	gittest.WriteFiles(t, p.dir, map[string]string{"db/migrate/20240103000000_next.rb": railsMigration("Next", "add_column :orders, :extra, :text")})
	if talk := p.migrate(p.db); strings.Count(talk, ": migrated") != 1 || !strings.Contains(talk, "Next: migrated") {
		t.Errorf("after the plan:\n%s", talk)
	}
}
