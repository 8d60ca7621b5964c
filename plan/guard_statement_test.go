package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// The guard is the first statement of a migration, in the tool's own form. A file that its tool would then send in another way keeps its text, and the
// reason names that.
func TestGuardForms(t *testing.T) {
	t.Parallel()
	const (
		orders      = "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"
		rename      = "ALTER TABLE orders RENAME COLUMN note TO remark;\n"
		concurrent  = "CREATE INDEX CONCURRENTLY orders_note ON orders (note);\n"
		railsSchema = "ActiveRecord::Schema[7.1].define(version: 2024_01_01_000000) do\n  create_table \"orders\" do |t|\n" +
			"    t.string \"note\"\n  end\nend\n"
		inBlock = "would run inside a transaction block, which it cannot"
	)
	rubyClass := func(name, method, body string) string {
		return "class " + name + " < ActiveRecord::Migration[7.1]\n  def " + method + "\n    " + body + "\n  end\nend\n"
	}
	knex := func(head, body string) string {
		return "exports.up = " + head + "(knex) {\n  " + body + "\n}\n\nexports.down = async function () {}\n"
	}
	for name, tc := range map[string]struct {
		base, path, text string
		// before and after surround the statement; without is the reason why the file keeps its text.
		before, after, without string
		beside                 map[string]string
	}{
		"goose": {
			base: "m/00001_a.sql|-- +goose Up\n" + orders, path: "m/00002_b.sql", text: "-- +goose Up\n-- why\n" + rename + "\n-- +goose Down\nSELECT 1;\n",
			before: "-- +goose Up\n-- why\n-- +goose StatementBegin\n", after: ";\n-- +goose StatementEnd\n" + rename + "\n-- +goose Down\n",
		},
		"goose, a block": {
			base: "m/00001_a.sql|-- +goose Up\n" + orders, path: "m/00002_b.sql",
			text:   "-- +goose Up\n-- +goose StatementBegin\n" + rename + "-- +goose StatementEnd\n",
			before: "-- +goose Up\n-- +goose StatementBegin\n", after: ";\n-- +goose StatementEnd\n-- +goose StatementBegin\nALTER",
		},
		"goose, no transaction": {
			base: "m/00001_a.sql|-- +goose Up\n" + orders, path: "m/00002_b.sql", text: "-- +goose NO TRANSACTION\n-- +goose Up\n" + concurrent,
			before: "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\n", after: ";\n-- +goose StatementEnd\n" + concurrent,
		},
		"golang-migrate": {
			base: "m/000001_a.up.sql|" + orders, path: "m/000002_b.up.sql", text: rename, before: "", after: ";\n" + rename,
		},
		"golang-migrate, one message": {
			base: "m/000001_a.up.sql|" + orders, path: "m/000002_b.up.sql", text: concurrent, without: "line 1 " + inBlock,
		},
		"golang-migrate, cut at each ;": {
			base: "m/000001_a.up.sql|" + orders, path: "m/000002_b.up.sql", text: rename, without: "cuts its files at each ';'",
			beside: map[string]string{"Makefile": "up:\n\tmigrate -path m -database 'postgres://localhost/shop?x-multi-statement=true' up\n"},
		},
		"dbmate, one message": {
			base: "db/migrations/20240101000000_a.sql|-- migrate:up\n" + orders + "-- migrate:down\n", path: "db/migrations/20240102000000_b.sql",
			text: "-- migrate:up transaction:false\n" + concurrent + "-- migrate:down\n", without: inBlock,
		},
		"Flyway": {
			base: "db/migration/V1__a.sql|" + orders, path: "db/migration/V2__b.sql", text: rename, before: "", after: ";\n" + rename,
		},
		"Flyway, mixed": {
			base: "db/migration/V1__a.sql|" + orders, path: "db/migration/V2__b.sql", text: concurrent,
			without: "with it, Flyway refuses a file that has statements that run in a transaction, and one that cannot",
		},
		"Rails": {
			base:   "db/migrate/20240101000000_a.rb|" + rubyClass("A", "change", "create_table(:orders) { |t| t.string :note }"),
			path:   "db/migrate/20240102000000_b.rb",
			text:   rubyClass("B", "change", "rename_column :orders, :note, :remark"),
			before: "  def change\n    reversible do |direction|\n      direction.up do\n        execute <<~'SQL'\n          ",
			after:  "\n        SQL\n      end\n    end\n    rename_column",
			beside: map[string]string{"db/schema.rb": railsSchema},
		},
		"Rails, strong_migrations": {
			base:   "db/migrate/20240101000000_a.rb|" + rubyClass("A", "change", "create_table(:orders) { |t| t.string :note }"),
			path:   "db/migrate/20240102000000_b.rb",
			text:   rubyClass("B", "up", "rename_column :orders, :note, :remark"),
			before: "  def up\n    safety_assured { execute <<~'SQL' }\n      ",
			after:  "\n    SQL\n    rename_column",
			beside: map[string]string{
				"Gemfile":      "gem 'strong_migrations'\n",
				"db/schema.rb": railsSchema,
			},
		},
		"Knex": {
			base: "migrations/20240101000000_a.js|" + knex("async function ", "await knex.raw(`"+orders+"`)"), path: "migrations/20240102000000_b.js",
			text: knex("async function ", "await knex.raw(`"+rename+"`)"), before: "exports.up = async function (knex) {\n  await knex.raw(`", after: "`)\n  await",
		},
		"Knex, on a line": {
			base: "migrations/20240101000000_a.js|" + knex("async function ", "await knex.raw(`"+orders+"`)"), path: "migrations/20240102000000_b.js",
			text:   "exports.up = async (knex) => { await knex.raw(`" + rename + "`); };\nexports.down = async () => {};\n",
			before: "exports.up = async (knex) => {\n await knex.raw(`", after: "`);\n await",
		},
		"Knex, a promise": {
			base: "migrations/20240101000000_a.js|" + knex("async function ", "await knex.raw(`"+orders+"`)"), path: "migrations/20240102000000_b.js",
			text: knex("function ", "return knex.raw(`"+rename+"`)"), without: "the place before its first statement is not known",
		},
		"a name with a quote": {
			base: "m/00001_a.sql|-- +goose Up\n" + orders, path: "m/00002_b'c.sql", text: "-- +goose Up\n" + rename, without: "characters that a tool may change",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			basePath, baseText, _ := strings.Cut(tc.base, "|")
			base := map[string]string{basePath: baseText}
			for path, text := range tc.beside {
				base[path] = text
			}
			dir := gittest.Commits(t, base, map[string]string{tc.path: tc.text})
			p := &onward.Plan{Migrations: []onward.PlannedMigration{{Path: tc.path, Hash: ""}}}
			config := audit.Config{Dir: dir, Base: "main"}
			g, err := Guard(t.Context(), config, p)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, tc.path))
			if err != nil {
				t.Fatal(err)
			}
			if tc.without != "" {
				if len(g.Without) != 1 || len(g.Written) > 0 || !strings.Contains(g.Without[0].Why, tc.without) || string(text) != tc.text {
					t.Errorf("Guard gives %+v, want no guard because %q, and the file unchanged:\n%s", g, tc.without, text)
				}
				return
			}
			if len(g.Written) != 1 || len(g.Without) > 0 || !p.Migrations[0].Guarded {
				t.Fatalf("Guard gives %+v, want one written file; the plan's migrations are %+v", g, p.Migrations)
			}
			sql, _ := script.GuardStatement(tc.path)
			first, _, _ := strings.Cut(sql, "\n")
			last := sql[strings.LastIndexByte(sql, '\n')+1:]
			if !strings.Contains(string(text), tc.before+first) || !strings.Contains(string(text), last+tc.after) {
				t.Errorf("the text is\n%s", text)
			}
			r, err := audit.Changelog(t.Context(), config)
			if err != nil || len(r.Opaque) > 0 {
				t.Errorf("the guarded migration is judged as %+v, %v, want nothing unjudged", r, err)
			}
		})
	}
}

// A file that the base has keeps its text: databases may have it.
func TestGuardOfDeployed(t *testing.T) {
	t.Parallel()
	const text = "-- +goose Up\nCREATE TABLE orders (id bigint);\n"
	dir := gittest.Commits(t, map[string]string{"m/00001_a.sql": text}, map[string]string{"m/00002_b.sql": "-- +goose Up\nALTER TABLE orders ADD n int;\n"})
	g, err := Guard(t.Context(), audit.Config{Dir: dir, Base: "main"}, &onward.Plan{Migrations: []onward.PlannedMigration{{Path: "m/00001_a.sql"}}})
	if err != nil || len(g.Without) != 1 || len(g.Written) > 0 {
		t.Errorf("Guard of a deployed migration gives %+v, %v, want it left alone", g, err)
	}
}
