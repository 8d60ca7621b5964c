package realrunners

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// dbMigrateProgram is what "db-migrate create --sql-file" writes beside two files of SQL, in short.
const dbMigrateProgram = "'use strict';\nvar dbm;\nvar fs = require('fs');\nvar path = require('path');\nexports.setup = function(options) {\n" +
	"  dbm = options.dbmigrate;\n};\nexports.up = function(db) {\n  var filePath = path.join(__dirname, 'sqls', 'NAME-up.sql');\n" +
	"  return db.runSql(fs.readFileSync(filePath, {encoding: 'utf-8'}));\n};\nexports._meta = {\n  \"version\": 1\n};\n"

// dbMigration returns the files of a migration.
func dbMigration(name, sql string) map[string]string {
	return map[string]string{
		"migrations/" + name + ".js": strings.ReplaceAll(dbMigrateProgram, "NAME", name), "migrations/sqls/" + name + "-up.sql": sql,
	}
}

// db-migrate runs the file of SQL that a program names, and no other: a plan is not written as files. After onward has run the plan, db-migrate knows the
// release.
func TestDBMigrate(t *testing.T) {
	t.Parallel()
	packages := installed(t, "db-migrate")
	s := server(t)
	db, conn := database(t, s)
	root, url := t.TempDir(), overTCP(t, s, db)
	if err := os.Symlink(filepath.Join(packages, "node_modules"), filepath.Join(root, "node_modules")); err != nil {
		t.Fatal(err)
	}
	migrate := func(command string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "node", "node_modules/db-migrate/bin/db-migrate", command)
		cmd.Dir, cmd.Env = root, append(os.Environ(), "DATABASE_URL="+url)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("db-migrate %s: %v\n%s", command, err, out)
		}
		return string(out)
	}
	names := func() (out []string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT array_agg(name ORDER BY id) FROM migrations").Scan(&out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	const base, release = "20240101000000-base", "20240102000000-rename"
	write(t, root, both(dbMigration(base, "CREATE TABLE users (id bigint PRIMARY KEY, nick text);\n"), map[string]string{
		".gitignore": "node_modules\n", "package.json": `{"dependencies":{"db-migrate":"0.11.14","db-migrate-pg":"1.5.2"}}` + "\n",
	}))
	commitBase(t, root)
	migrate("up")
	// Files of SQL without a program.
	alone := map[string]string{"migrations/20240103000000-c.sql": "SELECT 1/0;\n", "migrations/sqls/20240103000000-c-up.sql": "SELECT 1/0;\n"}
	write(t, root, alone)
	migrate("up")
	if got := names(); len(got) != 1 || got[0] != "/"+base {
		t.Errorf("db-migrate has run %q", got)
	}
	for name := range alone {
		write(t, root, map[string]string{name: gone})
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO users SELECT n, n FROM generate_series(1, 40) AS n"); err != nil {
		t.Fatal(err)
	}
	git(t, root, "checkout", "-q", "-b", "feature")
	write(t, root, dbMigration(release, "ALTER TABLE users RENAME COLUMN nick TO nickname;\n"))
	repository := audit.Config{Dir: root, Base: "main"}
	p := sketchPlan(t, repository)
	const refusal = "migrations of db-migrate are not written yet"
	if d, err := plan.Write(t.Context(), repository, p); err == nil || !strings.Contains(err.Error(), refusal) {
		t.Errorf("plan.Write returns %+v, %v; want the error %q", d, err, refusal)
	}
	c := apply.PendingConfig{Config: apply.Config{DB: s.URL(db), Plan: p, Unproven: "the tests of plan prove such plans"}, Repository: repository}
	for _, c.Through = range []onward.PlanPhase{onward.Backfill, onward.Contract} {
		r, err := apply.RunPlanAndRecord(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if !r.Readiness[0].Migrate || c.Through == onward.Contract && r.Next != "" {
			t.Errorf("through %s: readiness %+v, next %q; want Migrate, and no next step after the contract", c.Through, r.Readiness, r.Next)
		}
	}
	if out := migrate("check"); strings.Contains(out, release) {
		t.Errorf("db-migrate does not know the release:\n%s", out)
	}
	migrate("up")
	var right bool
	if err := conn.QueryRow(t.Context(), "SELECT count(*) = 40 FROM users WHERE nickname = id::text").Scan(&right); err != nil || !right {
		t.Errorf("all 40 users have their nickname: %t, want true (%v)", right, err)
	}
}
