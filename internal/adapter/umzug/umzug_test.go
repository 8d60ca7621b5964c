package umzug_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/umzug"
)

// Each directory has the context of the program, and of the call in it, that names it.
func TestEachDirectoryHasItsProgram(t *testing.T) {
	t.Parallel()
	const start = "new Umzug({ migrations: { glob: ['DIR/*.js', { cwd: __dirname }] }, context: CONTEXT })\n"
	program := func(list ...string) []byte {
		var out strings.Builder
		out.WriteString("const { Umzug } = require('umzug')\n")
		for i := 0; i < len(list); i += 2 {
			out.WriteString(strings.NewReplacer("DIR", list[i], "CONTEXT", list[i+1]).Replace(start))
		}
		return []byte(out.String())
	}
	text := func(s string) []byte { return []byte(s + "\n") }
	tree := adaptertest.Files{
		"package.json":      text(`{"dependencies": {"pg": "8", "knex": "3", "sequelize": "6", "umzug": "3"}}`),
		"a/migrate.js":      program("migrations", "client"),
		"a/migrations/1.js": text("exports.up = async ({ context }) => {\n  await context.query('SELECT 1')\n}"),
		"b/migrate.js": program("one", "sequelize.getQueryInterface()", "two", "() => ({\n  trx: knex,\n  // the log\n  log: console,\n})",
			"seeders", "client"),
		"b/one/1.js":     text("exports.up = async (queryInterface, { STRING }) => {\n  await queryInterface.addColumn('a', 'b', STRING(9))\n}"),
		"b/two/1.js":     text("exports.up = async ({ context: { trx, log } }) => {\n  await trx.schema.dropTable('a')\n  log.info('done')\n}"),
		"b/seeders/1.js": text("exports.up = async ({ context }) => {\n  await context.query('SELECT 1')\n}"),
		"c/db.js":        program("m", "{ 'db': pool, other: remote }"),
		"c/m/1.js": text("exports.up = async ({ context: { db, other } }) => {\n  await db.query('SELECT $1::int[]', [[1, null]])\n" +
			"  for (const row of await db.query('SELECT 2')) await db.query('SELECT $1, $2', [row.x, 3])\n" +
			"  await db.none('DROP TABLE $1:name', ['a'])\n  await db.none('SELECT $1', [process.env.X])\n  await other.query('SELECT 4')\n}"),
	}
	want := map[string]string{
		"a/migrations": "a/migrate.js\nSELECT 1",
		"b/one":        "b/migrate.js\nALTER TABLE \"public\".\"a\" ADD COLUMN \"b\" VARCHAR(9);",
		"b/two":        "b/migrate.js\ndrop table \"a\"",
		"c/m": "c/db.js\nSELECT '{\"1\",NULL}'::int[]\nSELECT 2\nSELECT $1, $2\nclient.query: not all of its values are known\n" +
			"client.query: not all of its values are known\ncontext.query: it may send SQL on a connection of its own",
	}
	for _, s := range umzug.Adapter.Detect(tree) {
		set, err := umzug.Adapter.Load(t.Context(), tree, s)
		if err != nil {
			t.Fatal(err)
		}
		got := []string{set.Evidence.FoundIn}
		for _, m := range set.Migrations {
			for _, p := range m.Source.Parts {
				got = append(got, p.SQL)
			}
			for _, o := range m.Opaque {
				got = append(got, strings.TrimPrefix(o.What, "call of ")+": "+o.Why)
			}
		}
		if text := strings.Join(got, "\n"); text != want[s.Dir] {
			t.Errorf("%s:\n%s\nwant\n%s", s.Dir, text, want[s.Dir])
		}
		delete(want, s.Dir)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}
