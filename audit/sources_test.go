package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/django"
	"github.com/onward-sql/onward/internal/adapter/sql"
	"github.com/onward-sql/onward/onward"
)

// One numbered file alone does not count as migrations. If the other tree has a second
// one next to it, both trees have migrations.
func TestFirstFileOfAPlainDirectory(t *testing.T) {
	t.Parallel()
	const first = `
-- sql/001_init.sql --
CREATE TABLE users (id bigint PRIMARY KEY, name text);
`
	t.Run("the release adds the second", func(t *testing.T) {
		t.Parallel()
		r := changelog0(t, Config{Dir: repository(t, first, "-- sql/002_name.sql --\nCREATE INDEX users_name ON users (name);\n"), Base: "main"})
		want := []string{"error index-create-blocking 002_name.sql:1"}
		if diff := cmp.Diff(want, found(r)); diff != "" {
			t.Error(diff)
		}
		if len(r.Migrations) != 1 {
			t.Errorf("%d migrations are new, want 1", len(r.Migrations))
		}
	})
	t.Run("the release deletes the second", func(t *testing.T) {
		t.Parallel()
		r := changelog0(t, Config{Dir: repository(t, first+"-- sql/002_name.sql --\nSELECT 1;\n", "-- sql/002_name.sql --\n"), Base: "main"})
		want := []string{"warning release-migration-deleted 002_name.sql:1"}
		if diff := cmp.Diff(want, found(r)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestConfiguredDirectory(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- odd/place/1.sql --\nCREATE TABLE t (id int, v int);\n", "-- odd/place/2.sql --\nALTER TABLE t DROP COLUMN v;\n")
	r := changelog0(t, Config{Dir: dir, Settings: &config.Config{
		Migrations: []config.Migrations{{Dir: "odd/place", Framework: "sql", Transaction: onward.TransactionFile, LockTimeout: 1000}},
	}})
	if len(r.Migrations) != 1 || r.Migrations[0].Transaction != onward.TransactionFile {
		t.Fatalf("the migrations are %+v, want 1 in a transaction", r.Migrations)
	}
	for _, f := range r.Findings {
		if f.Rule == "transaction-lock-timeout-missing" {
			t.Error("the runner sets one")
		}
	}
}

func TestMovedDirectory(t *testing.T) {
	t.Parallel()
	const old, again = "-- server/migrations/00001_init.sql --\n-- +goose Up\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\n",
		"-- core/server/migrations/00001_init.sql --\n-- +goose Up\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\n"
	r := changelog0(t, Config{Dir: repository(t, old,
		again+"-- core/server/migrations/00002_more.sql --\n-- +goose Up\nALTER TABLE a ADD COLUMN n int;\n-- server/migrations/00001_init.sql --\n"), Base: "main"})
	if len(r.Migrations) != 1 || r.Migrations[0].ID != "00002_more" {
		t.Errorf("the release has %d migrations, of which one is new", len(r.Migrations))
	}
	if diff := cmp.Diff([]string{"warning transaction-lock-timeout-missing 00002_more.sql:2"}, found(r)); diff != "" {
		t.Error(diff)
	}
}

// Prisma's lock file is the same in each directory: it has moved nowhere.
func TestAnotherDirectory(t *testing.T) {
	t.Parallel()
	const lock = "provider = \"postgresql\"\n"
	r := changelog0(t, Config{Dir: repository(t,
		"-- old/prisma/migrations/1_a/migration.sql --\nCREATE TABLE a (id int);\n-- old/prisma/migrations/migration_lock.toml --\n"+lock,
		"-- old/prisma/migrations/1_a/migration.sql --\n-- old/prisma/migrations/migration_lock.toml --\n-- new/prisma/migrations/1_b/migration.sql --\n"+
			"CREATE TABLE b (n int);\n-- new/prisma/migrations/migration_lock.toml --\n"+lock), Base: "main"})
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.Rule+": "+f.Fact)
	}
	if diff := cmp.Diff([]string{"release-migration-deleted: no migration is left in old/prisma/migrations (the base has 1)"}, got); diff != "" {
		t.Error(diff)
	}
}

// A repeatable migration runs again under another name, as it is made to; Flyway
// misses the one of the old name.
func TestRepeatableUnderAnotherName(t *testing.T) {
	t.Parallel()
	dir := repository(t, `-- db/migration/V1__init.sql --
CREATE TABLE a (id int);
-- db/migration/R__2_views.sql --
CREATE OR REPLACE VIEW v AS SELECT id FROM a;
`, `-- db/migration/R__1_views.sql --
CREATE OR REPLACE VIEW v AS SELECT id FROM a;
-- db/migration/R__2_views.sql --
`)
	r := changelog0(t, Config{Dir: dir, Base: "main"})
	if r.Migrations[0].ID != "R__1_views" {
		t.Errorf("%d migrations, first %s", len(r.Migrations), r.Migrations[0].ID)
	}
	if diff := cmp.Diff([]string{"error release-migration-deleted R__2_views.sql:1"}, found(r)); diff != "" {
		t.Error(diff)
	}
}

// SQL beside the migrations of a Django app is what sqlmigrate has printed: to the
// hand that runs it, and not to be judged twice, be the app in a module of another
// kind.
func TestSQLInDjangoApps(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{
		"manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')", "cl/package.json": "{}",
		"cl/api/migrations/__init__.py": "", "cl/api/migrations/0001_initial.py": "",
		"cl/api/migrations/0001_initial.sql": "CREATE TABLE t ();", "cl/api/migrations/0001_initial_replica.sql": "CREATE TABLE t ();",
		"cl/node/migrations/1_a.sql": "CREATE TABLE t ();", "cl/node/migrations/2_b.sql": "SELECT 1;",
	})
	found, _ := adapter.DetectSources(tree, []adapter.Adapter{&django.Adapter{}, sql.Adapter{}})
	remaining, out := dropScriptDirs(tree, found)
	var got []string
	for _, s := range remaining {
		got = append(got, s.Framework+" "+s.Dir)
	}
	for _, o := range out {
		got = append(got, "! "+o.Path)
	}
	if diff := cmp.Diff([]string{"django ", "sql cl/node/migrations", "! cl/api/migrations"}, got); diff != "" {
		t.Error(diff)
	}
}
