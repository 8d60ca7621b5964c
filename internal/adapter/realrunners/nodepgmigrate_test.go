package realrunners

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/sql"
)

// nodePgMigrate runs node-pg-migrate's own command. The migrations import it, too.
func nodePgMigrate(t *testing.T, options ...string) func([][2]string) []string {
	t.Helper()
	modules := filepath.Join(installed(t, "node"), "node_modules")
	return perRun(t, func(dir, url string) *exec.Cmd {
		if err := os.Symlink(modules, filepath.Join(filepath.Dir(dir), "node_modules")); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), filepath.Join(modules, ".bin/node-pg-migrate"), append([]string{"up", "-m", dir}, options...)...)
		cmd.Env = append(os.Environ(), "DATABASE_URL="+url)
		return cmd
	})
}

// TestNodePgMigratePrograms compares what the recorder of the builder makes with what node-pg-migrate sends.
func TestNodePgMigratePrograms(t *testing.T) {
	compareSent(t, sql.Adapter{}, "nodepgmigrate_program.js", "migrations/1700000000001_program.js", nodePgMigrate(t),
		[2]string{"nodepgmigrate_lib.js", "lib/tables.js"}, [2]string{"nodepgmigrate_package.json", "package.json"})
}

// TestNodePgMigrateProgramsOnServer compares onward's findings about programs, alone and among SQL files, with what node-pg-migrate does.
func TestNodePgMigrateProgramsOnServer(t *testing.T) {
	t.Parallel()
	program := func(body string) string {
		return "exports.up = async (pgm) => {\n  " + body + "\n}\nexports.down = () => {}\n"
	}
	const first, second, third = "migrations/1700000000001_a.js", "migrations/1700000000002_b.js", "migrations/1700000000003_c.js"
	const index = "pgm.createIndex('t', 'id', { concurrently: true, name: 'x' })"
	base := map[string]string{
		"package.json": `{"dependencies": {"node-pg-migrate": "9.0.0"}}`,
		first:          "exports.shorthands = { mood: 'e' }\n" + program("pgm.createType('e', ['x'])\n  pgm.createTable('a', { e: 'e' })"),
	}
	apart := both(base, map[string]string{
		"package.json": `{"dependencies": {"node-pg-migrate": "9.0.0"}, "scripts": {"m": "node-pg-migrate --no-single-transaction"}}`,
	})
	release := func(body string) map[string]string { return map[string]string{second: program(body)} }
	cases := map[string]releaseCase{
		"a transaction":          {base: base, head: release(index), fails: inBlock},
		"no transaction":         {base: base, head: release("pgm.noTransaction()\n  " + index)},
		"no transaction at last": {base: base, head: release(index + "\n  pgm.noTransaction()")},
		"after one without":      {base: base, head: both(release("pgm.noTransaction()"), map[string]string{third: program(index)}), fails: inBlock},
		"two in a message":       {base: base, head: release("pgm.noTransaction()\n  pgm.sql('SELECT 1; CREATE INDEX CONCURRENTLY ON t (id)')"), fails: inBlock},
		"a message for each": {
			base: base, head: release("pgm.noTransaction()\n  for (const n of ['p', 'q']) pgm.sql(`CREATE INDEX CONCURRENTLY ${n} ON t (id)`)"),
		},
		"a shorthand of another": {base: base, head: release("pgm.addColumns('a', { f: 'mood' })")},
		"a missing column":       {base: base, head: release("pgm.dropColumns('a', ['x'])"), fails: "does not exist"},
		"a table twice":          {base: base, head: release("pgm.createTable('a', {id: 'id'})"), fails: "already exists"},
		"all pending in one": {base: base, fails: "unsafe use of new value", head: both(release("pgm.addTypeValue('e', 'y')"), map[string]string{
			"migrations/1700000000003_c.sql": "INSERT INTO a VALUES ('y');\n",
		})},
		"a value apart": {base: base, head: both(release("pgm.noTransaction()\n  pgm.addTypeValue('e', 'y')"), map[string]string{
			"migrations/1700000000003_c.sql": "INSERT INTO a VALUES ('y');\n",
		})},
		"sent at once": {base: base, head: release("await pgm.db.query('ALTER TABLE a ADD COLUMN z int')\n  pgm.dropColumns('a', 'z')")},
		"edited":       {base: base, head: map[string]string{first: program("pgm.sql('SELECT 1/0')")}},
		"out of order": {base: base, head: map[string]string{"migrations/1700000000000_z.js": program("")}, fails: "is preceding already run migration"},
	}
	exercise(t, "migrations", table, cases, nodePgMigrate(t))
	exercise(t, "migrations", table, map[string]releaseCase{
		"each its own": {base: apart, head: both(release("pgm.addTypeValue('e', 'y')"), map[string]string{
			third: program("pgm.sql(\"INSERT INTO a VALUES ('y')\")"),
		})},
	}, nodePgMigrate(t, "--no-single-transaction"))
}
