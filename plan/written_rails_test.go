package plan_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// railsProject is an application with a release, and a database at its base.
type railsProject struct{ writtenProject }

const railsBase = "20240101000000"

func newRailsProject(t *testing.T, major int) *railsProject {
	t.Helper()
	dir := gittest.Commits(t, adaptertest.RailsFiles(t, "database: <%= ENV['PGDATABASE'] %>", map[string]string{
		"config/initializers/inflections.rb": "ActiveSupport::Inflector.inflections(:en) do |inflect|\n  inflect.acronym 'API'\nend\n",
		".gitignore":                         "log/\ntmp/\n",
		"db/migrate/" + railsBase + "_create_orders.rb": adaptertest.RailsMigration("CreateOrders",
			"create_table(:customers) { |t| t.string :country; t.text :name }",
			"create_table(:orders) { |t| t.bigint :customer_id; t.text :note; t.text :code; t.integer :size }"),
	}))
	gittest.RunGit(t, dir, "checkout", "-q", "-b", "feature")
	gittest.WriteFiles(t, dir, map[string]string{"db/migrate/20240102000000_change_api_orders.rb": adaptertest.RailsMigration("ChangeAPIOrders",
		`add_index :orders, [:code, :size], where: "code <> '#{1}\\#x'"`,
		"add_foreign_key :orders, :customers",
		"rename_column :orders, :note, :remark",
		`add_check_constraint :orders, "size < 1000000", name: "orders_size"`,
		`execute "UPDATE customers SET country = 'NO' WHERE country IS NULL"`,
		"change_column_null :customers, :country, false",
		"remove_column :customers, :name")})
	p := &railsProject{writtenProject{
		t: t, dir: dir, major: major, audit: audit.Config{Dir: dir, Base: "main"},
		rows: []string{
			"INSERT INTO customers (country, name) SELECT CASE WHEN n % 3 > 0 THEN 'SE' END, 'n' FROM generate_series(1, 2500) AS n",
			"INSERT INTO orders (customer_id, note, code, size) SELECT n, 'n' || n, 'c' || n, n FROM generate_series(1, 2500) AS n",
		},
		columns: []string{"id, customer_id, remark, code, size FROM orders", "id, country FROM customers"},
	}}
	p.toBase = func(database string) { p.migrate(database, "VERSION="+railsBase) }
	p.toHead = func(database string) { p.migrate(database) }
	p.start()
	return p
}

// migrate runs the real Rails, and returns what it prints.
func (p *railsProject) migrate(database string, args ...string) string {
	p.t.Helper()
	target, err := pgx.ParseConfig(database)
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(p.t.Context(), "ruby", append([]string{"bin/rails", "db:migrate"}, args...)...)
	cmd.Dir = p.dir
	cmd.Env = append(os.Environ(), "PGHOST="+target.Host, fmt.Sprint("PGPORT=", target.Port), "PGUSER="+target.User, "PGDATABASE="+target.Database,
		"RAILS_ENV=production",
		"SECRET_KEY_BASE=x")
	talk, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("rails db:migrate %q: %v\n%s", args, err, talk)
	}
	return string(talk)
}

// TestRailsWritten writes a plan as migrations of an application, and lets the real Rails run them to their end. Each step that Active Record has
// calls for is written as these.
func TestRailsWritten(t *testing.T) {
	t.Parallel()
	for _, major := range rotation.PickAfter(t, component.Turns, 2, []int{onward.OldestMajor, onward.NewestMajor}) {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			p := newRailsProject(t, major)
			want := p.release()
			draft := p.writePlan()
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
	p := newRailsProject(t, onward.NewestMajor)
	want := p.release()
	p.applyPlan()
	if talk := p.migrate(p.db); strings.Contains(talk, "migrating") {
		t.Errorf("Rails has something to do:\n%s", talk)
	}
	p.dropLedger()
	p.compare(want)
	gittest.WriteFiles(t, p.dir, map[string]string{"db/migrate/20240103000000_next.rb": adaptertest.RailsMigration("Next", "add_column :orders, :extra, :text")})
	if talk := p.migrate(p.db); strings.Count(talk, ": migrated") != 1 || !strings.Contains(talk, "Next: migrated") {
		t.Errorf("after the plan:\n%s", talk)
	}
}
