package plan_test

import (
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// eachAlone and oneMessage begin the file of a concurrent build: with the statement that makes it repeatable, or with a comment for a
// runner that sends one message.
const (
	eachAlone  = "DROP INDEX CONCURRENTLY IF EXISTS "
	oneMessage = "-- An interrupted build leaves an invalid index."
)

// layouts are how projects of the runners look: %s is a migration's SQL.
var layouts = map[string]struct {
	base, release string // the migrations' files
	text          string
	beside        map[string]string
	// down is what every file ends with, or the ending of a second file; alone is what a
	// file without a transaction begins with.
	alone string
	next  string // how the name of the first new file begins
}{
	"goose": {"m/00001_a.sql", "m/00002_b.sql", "-- +goose Up\n%s", nil, "-- +goose NO TRANSACTION\n", "m/00003_b_01_"},
	"golang-migrate": {
		"m/000001_a.up.sql", "m/000002_b.up.sql", "%s",
		map[string]string{"m/000001_a.down.sql": "DROP TABLE orders;", "go.mod": "module x\n\nrequire github.com/golang-migrate/migrate/v4 v4.18.0\n"},
		oneMessage, "m/000003_b_01_",
	},
	"sqlx": {
		"migrations/20240101000000_a.sql", "migrations/20240102000000_b.sql", "%s",
		map[string]string{"Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n"}, "-- no-transaction\n", "migrations/2",
	},
	"sqlx up": {
		"migrations/20240101000000_a.up.sql", "migrations/20240102000000_b.up.sql", "%s",
		map[string]string{"Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n"}, "-- no-transaction\n", "migrations/2",
	},
	"dbmate": {
		"db/migrations/20240101000000_a.sql", "db/migrations/20240102000000_b.sql", "-- migrate:up\n%s\n-- migrate:down\n",
		nil, "-- migrate:up transaction:false\n", "db/migrations/2",
	},
	"Flyway":    {"db/V1__a.sql", "db/V2__b.sql", "%s", nil, eachAlone, "db/V3__b_01_"},
	"plain SQL": {"db/migrations/001_a.sql", "db/migrations/002_b.sql", "%s", nil, eachAlone, "db/migrations/003_b_01_"},
	"Diesel": {
		"migrations/2024-01-01-000000-0000_a/up.sql", "migrations/2024-01-02-000000-0000_b/up.sql", "%s",
		map[string]string{"diesel.toml": "[migrations_directory]\n"}, oneMessage, "migrations/2",
	},
	"Prisma": {
		"prisma/migrations/20240101000000_a/migration.sql", "prisma/migrations/20240102000000_b/migration.sql", "%s",
		map[string]string{"prisma/migrations/migration_lock.toml": "provider = \"postgresql\"\n"}, oneMessage,
		"prisma/migrations/2",
	},
	"Rails": {
		"db/migrate/20240101000000_a.rb", "db/migrate/20240102000000_b.rb",
		"class A < ActiveRecord::Migration[7.1]\n  def up\n    execute <<~'SQL'\n%s\n    SQL\n  end\nend\n", nil, "# 0", "db/migrate/2",
	},
	"Knex": {
		"migrations/20240101000000_a.ts", "migrations/20240102000000_b.ts",
		"import { Knex } from 'knex'\n\nexport async function up(knex: Knex): Promise<void> {\n  await knex.raw(`%s`)\n}\n", nil, "// 0", "migrations/2",
	},
	"TypeORM": {
		"src/migrations/1700000000001-A.ts", "src/migrations/1700000000002-B.ts",
		"import { MigrationInterface, QueryRunner } from 'typeorm'\n\nexport class %c implements MigrationInterface {\n  async up(queryRunner: QueryRunner) {\n" +
			"    await queryRunner.query(`%s`)\n  }\n}\n", nil, "// 0", "src/migrations/17",
	},
	"Sequelize": {
		"migrations/20240101000000-a.js", "migrations/20240102000000-b.js",
		"module.exports = {\n  async up(queryInterface) {\n    await queryInterface.sequelize.query(`%s`)\n  },\n}\n", nil, "// 0", "migrations/2",
	},
	"MikroORM": {
		"migrations/Migration20240101000000.ts", "migrations/Migration20240102000000.ts",
		"import { Migration } from '@mikro-orm/migrations'\n\nexport class M extends Migration {\n  async up() {\n    this.addSql(`%s`)\n  }\n}\n",
		map[string]string{"mikro-orm.config.ts": "export default { migrations: { allOrNothing: false } }\n"}, "// 0", "migrations/Migration2",
	},
}

// unsafe are releases that lock, break or rewrite if they run unchanged.
var unsafe = map[string]string{
	"several": `CREATE INDEX ON customers (note);
ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE customers ADD COLUMN token uuid DEFAULT gen_random_uuid() NOT NULL;`,
	"not null": "UPDATE customers SET country = 'SE' WHERE country IS NULL;\nALTER TABLE customers ALTER COLUMN country SET NOT NULL;",
	"rename":   "CREATE INDEX orders_status_idx ON orders (status);\nALTER TABLE customers RENAME COLUMN country TO nation;",
}

// laid is a repository of a runner's with a base and a release.
func laid(t *testing.T, runner, release string) string {
	t.Helper()
	l := layouts[runner]
	files := map[string]string{l.base: textOf(l.text, l.base, base)}
	maps.Copy(files, l.beside)
	dir := gittest.Commits(t, files)
	gittest.RunGit(t, dir, "checkout", "-q", "-b", "feature")
	gittest.WriteFiles(t, dir, map[string]string{l.release: textOf(l.text, l.release, release)})
	return dir
}

// textOf returns a migration's text, with its SQL and the class that TypeORM expects in a file.
func textOf(text, file, sql string) string {
	number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".ts"), "-")
	return strings.NewReplacer("%s", sql, "%c", name+number).Replace(text)
}

func written(t *testing.T, dir string) *plan.Draft {
	t.Helper()
	c := audit.Config{Dir: dir, Base: "main"}
	p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{Config: c}})
	d, err := plan.Write(t.Context(), c, p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func save(t *testing.T, d *plan.Draft) {
	t.Helper()
	if err := d.Save(); err != nil {
		t.Fatal(err)
	}
}

// The runner's adapter can read the written files, one migration for each step. Onward
// finds no problem with their locks and transactions, up to the plan's end.
func TestWrittenAuditsClean(t *testing.T) {
	t.Parallel()
	for runner, l := range layouts {
		for name, release := range unsafe {
			if name != "rename" && runner != "goose" {
				continue // runners differ in their files, not in what the steps are
			}
			t.Run(runner+"/"+name, func(t *testing.T) {
				t.Parallel()
				dir := laid(t, runner, release)
				d := written(t, dir)
				if d.Waits == nil || len(d.Files) == 0 || !strings.HasPrefix(d.Files[0].Path, l.next) {
					t.Fatalf("waits %+v, files %+v", d.Waits, d.Files)
				}
				for _, f := range d.Files {
					if strings.Contains(f.Text, "CREATE INDEX CONCURRENTLY") && !strings.HasPrefix(f.Text, l.alone) {
						t.Errorf("%s begins otherwise:\n%s", f.Path, f.Text)
					}
					// The runner has a transaction of its own around both ways.
					if runner == "goose" && strings.Contains(f.Text, "COMMIT;") {
						t.Errorf("%s ends the runner's transaction:\n%s", f.Path, f.Text)
					}
				}
				save(t, d)
				if err := os.RemoveAll(filepath.Join(dir, l.release)); err != nil {
					t.Fatal(err)
				}
				clean(t, dir, d.Plan)
				for i := 0; ; i++ {
					passed := plan.Conditions{Gone: "main"}
					if i > 5 {
						t.Fatal("there is no end of it")
					}
					if d.Waits.ByHand != "" {
						passed.Filled = []string{d.Plan.Name}
					}
					next, err := plan.Next(t.Context(), audit.Config{Dir: dir}, passed)
					if err != nil {
						t.Fatal(err)
					}
					d = next[0]
					save(t, d)
					clean(t, dir, d.Plan)
					if d.Waits == nil {
						break
					}
				}
			})
		}
	}
}

func clean(t *testing.T, dir string, p *onward.Plan) {
	t.Helper()
	r, err := audit.Changelog(t.Context(), audit.Config{Dir: dir, Base: "main"})
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]bool{}
	for _, s := range p.Steps {
		if len(s.Files) > 0 {
			written[s.Files[0].Path] = true
		}
	}
	if len(r.Migrations) != len(written) || len(written) == 0 {
		t.Errorf("%d migrations are read of %d written", len(r.Migrations), len(written))
	}
	for _, f := range r.Findings {
		if f.Severity != onward.Info && (f.Category == onward.Locking || f.Category == onward.InTransaction) ||
			f.Severity == onward.Error && f.Category != onward.Compatibility && f.Category != onward.DataLoss {
			t.Errorf("the written files have the finding %s at %s:%d: %s %s", f.Rule, f.Path, f.Line, f.Severity, f.Fact)
		}
	}
	for _, o := range r.Opaque {
		t.Errorf("not judged: %s %s", o.Path, o.What)
	}
}

// A plan goes on only where what was written is as it was, and nothing is overwritten.
func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	next := func(dir string, passed plan.Conditions) error {
		_, err := plan.Next(t.Context(), audit.Config{Dir: dir}, passed)
		return err
	}
	refused := func(label string, err error, words string) {
		t.Helper()
		var input *config.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", label, err, words)
		}
	}
	dir := laid(t, "goose", unsafe["rename"])
	refused("no plan", next(dir, plan.Conditions{}), "no plan is in onward/plans")
	d := written(t, dir)
	save(t, d)
	refused("twice", d.Save(), "is there already")
	refused("the migration still exists", next(dir, plan.Conditions{}), "rm m/00002_b.sql")
	if err := os.Remove(filepath.Join(dir, "m/00002_b.sql")); err != nil {
		t.Fatal(err)
	}
	if err := next(dir, plan.Conditions{}); err != nil {
		t.Error(err)
	}
	refused("another plan", next(dir, plan.Conditions{Filled: []string{"x"}}), "no plan of the name x")
	first := filepath.Join(dir, d.Files[0].Path)
	if err := os.WriteFile(first, []byte(d.Files[0].Text+"SELECT 1;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused("changed", next(dir, plan.Conditions{}), "was changed since")
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	refused("gone", next(dir, plan.Conditions{}), "which is gone")
}

// The steps of a plan need transactions of their own, and Drizzle has one for all pending files.
func TestWriteRefusesOneTransaction(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t, map[string]string{
		"drizzle/20240101000000_a/migration.sql": base, "drizzle/20240101000000_a/snapshot.json": "{}",
	})
	gittest.RunGit(t, dir, "checkout", "-q", "-b", "feature")
	gittest.WriteFiles(t, dir, map[string]string{
		"drizzle/20240102000000_b/migration.sql": unsafe["rename"], "drizzle/20240102000000_b/snapshot.json": "{}",
	})
	c := audit.Config{Dir: dir, Base: "main"}
	p := makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{Config: c}})
	var input *config.InputError
	if _, err := plan.Write(t.Context(), c, p); !errors.As(err, &input) || !strings.Contains(err.Error(), "onward apply --plan runs them") {
		t.Error(err)
	}
}
