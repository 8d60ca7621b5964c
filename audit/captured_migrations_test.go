package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// knexProject is a project whose migrations are code that no static reading follows.
func knexProject(command string) map[string]string {
	return map[string]string{
		".gitignore":  "node_modules\n",
		"onward.yaml": "postgres: 17\nmigrations:\n  - dir: db\n    capture: " + command + "\n",
		"migrate.cjs": "const migrations = { directory: './db' }\n" +
			"const knex = require('knex')({ client: 'pg', connection: process.env.DATABASE_URL, migrations })\n" +
			"knex.migrate.latest().then(() => knex.destroy(), (e) => { console.error(e.message); process.exit(1) })\n",
		"db/20240101_tables.js": "const names = ['users', 'teams']\nexports.up = async (knex) => {\n" +
			"  for (const n of names) await knex.schema.createTable(n, (t) => { t.increments(); t.text('email') })\n}\nexports.down = async () => {}\n",
	}
}

const knexIndexes = "exports.up = async (knex) => {\n  for (const n of ['users', 'teams'].reverse()) " +
	"await knex.raw(`create index ${n}_email on ${n} (email)`)\n}\n" +
	"exports.down = async () => {}\n"

// commitKnex commits a project, and a release that adds files to it. Its node_modules has the real Knex.
func commitKnex(t *testing.T, base, added map[string]string) string {
	t.Helper()
	dir := gittest.Commits(t, base, added)
	if err := os.Symlink(filepath.Join(pgservertest.RunnerPath(t, "knex"), "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// auditKnex audits a release that adds files to a project, with the onward.yaml of the working tree.
func auditKnex(t *testing.T, base, added map[string]string, forbidPrograms bool) string {
	t.Helper()
	r, err := auditLast(t, commitKnex(t, base, added), Config{Still: forbidPrograms})
	if err != nil {
		return err.Error()
	}
	return describeCaptured(r)
}

// describeCaptured returns the migrations, findings and unjudged parts of a report, a line each.
func describeCaptured(r *onward.Report) string {
	var b strings.Builder
	for _, m := range r.Migrations {
		fmt.Fprintf(&b, "%s %s %s %s\n", m.Status, m.ID, m.Path, m.Transaction)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %s:%d %s\n", f.Rule, f.Path, f.Line, f.Fact)
	}
	for _, o := range r.Opaque {
		fmt.Fprintf(&b, "not judged %s: %s\n", o.Path, o.Why)
	}
	return b.String()
}

// capture: is read from the base's file, and each statement that the head sends is judged.
func TestCapture(t *testing.T) {
	t.Parallel()
	base := knexProject("node migrate.cjs")
	marker := filepath.Join(t.TempDir(), "ran")
	added := map[string]string{"db/20240201_indexes.js": knexIndexes, "onward.yaml": knexProject("touch " + marker)["onward.yaml"]}
	got := auditKnex(t, base, added, false)
	for _, want := range []string{
		"new 20240201_indexes db/20240201_indexes.js file\n",
		"creating index users_email blocks writes to users", "creating index teams_email blocks writes to teams",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "not judged") {
		t.Errorf("all is judged:\n%s", got)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the branch's command ran")
	}
	if got := auditKnex(t, base, added, true); !strings.Contains(got, "not judged db/20240201_indexes.js") {
		t.Errorf("if nothing may run, the files are read:\n%s", got)
	}
	edited := map[string]string{"db/20240101_tables.js": strings.Replace(base["db/20240101_tables.js"], "email", "mail", 1)}
	if got := auditKnex(t, base, edited, false); !strings.Contains(got, "release-migration-edited db/20240101_tables.js") {
		t.Errorf("an edited migration is one:\n%s", got)
	}
}

// A command that the base lacks does not run.
func TestCaptureOfBranch(t *testing.T) {
	t.Parallel()
	base := knexProject("node migrate.cjs")
	delete(base, "onward.yaml")
	marker := filepath.Join(t.TempDir(), "ran")
	got := auditKnex(t, base, map[string]string{"db/20240201_indexes.js": knexIndexes, "onward.yaml": knexProject("touch " + marker)["onward.yaml"]}, false)
	if !strings.Contains(got, "not judged db: capture: runs only after it is at") || !strings.Contains(got, "not judged db/20240201_indexes.js") {
		t.Errorf("got no reason for the command that does not run:\n%s", got)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the branch's command ran")
	}
}

// capture_base: db takes the base from the deployed database: a real tool with numbered rows and a lock runs only the new migration,
// although the deployed one would fail.
func TestCaptureOfDatabase(t *testing.T) {
	t.Parallel()
	deployed, _ := pgservertest.ConnectNew(t, 17, `CREATE TABLE users (id serial PRIMARY KEY, email text); CREATE TABLE teams (id serial PRIMARY KEY, email text);
		CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch integer, migration_time timestamptz);
		CREATE TABLE knex_migrations_lock (index serial PRIMARY KEY, is_locked integer);
		INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('20240101_tables.js', 1, now());
		INSERT INTO knex_migrations_lock (is_locked) VALUES (0)`)
	base := knexProject("node migrate.cjs")
	base["onward.yaml"] += "    capture_base: db\n"
	base["db/20240101_tables.js"] = "exports.up = async (knex) => { throw new Error('years ago') }\nexports.down = async () => {}\n"
	dir := commitKnex(t, base, map[string]string{"db/20240201_indexes.js": knexIndexes})
	r, err := auditLast(t, dir, Config{Deployed: Deployed{DB: deployed}})
	if err != nil {
		t.Fatal(err)
	}
	got := describeCaptured(r)
	for _, want := range []string{"new 20240201_indexes db/20240201_indexes.js file\n", "creating index users_email blocks writes to users"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if len(r.Migrations) != 1 || len(r.Opaque) != 0 {
		t.Errorf("%d migrations and %d unread parts, want 1 and 0:\n%s", len(r.Migrations), len(r.Opaque), got)
	}
}
