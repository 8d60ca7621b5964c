package realrunners

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/dbmigrate"
)

// dbMigrate runs db-migrate's own command.
func dbMigrate(t *testing.T) func([][2]string) []string {
	t.Helper()
	modules := filepath.Join(installed(t, "db-migrate"), "node_modules")
	return perRun(t, func(dir, url string) *exec.Cmd {
		root := filepath.Dir(dir)
		if err := os.Symlink(modules, filepath.Join(root, "node_modules")); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "node", "node_modules/db-migrate/bin/db-migrate", "up")
		cmd.Dir, cmd.Env = root, append(os.Environ(), "DATABASE_URL="+url)
		return cmd
	})
}

// TestDBMigratePrograms compares what the recorder of the driver makes with what db-migrate sends.
func TestDBMigratePrograms(t *testing.T) {
	compareSent(t, dbmigrate.Adapter, "dbmigrate_program.js", "migrations/20240101000000-program.js", dbMigrate(t),
		[2]string{"dbmigrate_lib.js", "lib/tables.js"}, [2]string{"dbmigrate_package.json", "package.json"},
		[2]string{"dbmigrate_up.sql", "migrations/sqls/program-up.sql"})
}

// TestDBMigrateProgramsOnServer compares onward's findings with what db-migrate does.
func TestDBMigrateProgramsOnServer(t *testing.T) {
	t.Parallel()
	program := func(body string) string {
		return "exports.up = async function (db) {\n  " + body + "\n}\nexports.down = () => null\nexports._meta = { version: 1 }\n"
	}
	const first, second, third = "migrations/20240101000000-a.js", "migrations/20240102000000-b.js", "migrations/20240103000000-c.js"
	const index = "await db.runSql('CREATE INDEX CONCURRENTLY ON t (id)')"
	base := map[string]string{
		"package.json": `{"dependencies": {"db-migrate": "0.11.14", "db-migrate-pg": "1.5.2"}}`, ".gitignore": "node_modules\n",
		first: program("await db.runSql(\"CREATE TYPE e AS ENUM ('x')\")\n  await db.createTable('a', { e: 'e' })"),
	}
	release := func(body string) map[string]string { return map[string]string{second: program(body)} }
	exercise(t, "migrations", table, map[string]releaseCase{
		"a transaction":    {base: base, head: release(index), fails: inBlock},
		"after COMMIT":     {base: base, head: release("await db.runSql('COMMIT')\n  " + index + "\n  await db.runSql('BEGIN')")},
		"a missing column": {base: base, head: release("await db.removeColumn('a', 'x')"), fails: "does not exist"},
		"a table twice":    {base: base, head: release("await db.createTable('a', { id: 'int' })"), fails: "already exists"},
		"each its own": {base: base, head: both(release("await db.runSql(\"ALTER TYPE e ADD VALUE 'y'\")"), map[string]string{
			third: program("await db.insert('a', ['e'], ['y'])"),
		})},
		"a callback": {base: base, head: map[string]string{
			second: "exports.up = function (db, callback) {\n  db.removeColumn('a', 'x', callback)\n}\n",
		}, fails: "does not exist"},
		"a file":       {base: base, head: both(dbMigration("20240102000000-b", "ALTER TABLE a DROP COLUMN x;\n"), nil), fails: "does not exist"},
		"edited":       {base: base, head: map[string]string{first: program("await db.runSql('SELECT 1/0')")}},
		"gone":         {base: base, head: both(release("await db.runSql('SELECT 1')"), map[string]string{first: gone})},
		"out of order": {base: base, head: map[string]string{"migrations/20230101000000-z.js": program("await db.runSql('SELECT 1')")}},
	}, dbMigrate(t))
}
