package realrunners

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/kysely"
)

// TestKyselySchema compares the statements of the builders with those that Kysely sends.
//
// Not parallel: it reads the end of the server's log.
func TestKyselySchema(t *testing.T) {
	packages := installed(t, "kysely")
	compareSent(t, kysely.Adapter, "kysely_schema.js", "src/migrations/20240101000000_schema.js",
		atOnce(t, func(url string) string { return url }, "node", "testdata/kysely.cjs", packages))
}

// TestKyselyPrograms compares what a run of a program records with what Kysely sends: loops, functions of other files, tags in a loop, schemas.
func TestKyselyPrograms(t *testing.T) {
	packages := installed(t, "kysely")
	compareSent(t, kysely.Adapter, "kysely_program.js", "src/migrations/20240101000000_program.js",
		atOnce(t, func(url string) string { return url }, "node", "testdata/kysely.cjs", packages),
		[2]string{"kysely_program_lib.js", "src/lib/tables.js"})
}

// TestKyselyOnServer compares onward's findings with what Kysely does.
func TestKyselyOnServer(t *testing.T) {
	t.Parallel()
	packages := installed(t, "kysely")
	migration := func(body string) string {
		return "const { sql } = require('kysely')\nexports.up = async (db) => {\n  " + body + "\n}\nexports.down = async () => {}\n"
	}
	query := func(text string) string { return "await sql`" + text + "`.execute(db)" }
	const first, second, third = "src/migrations/2024_01_a.js", "src/migrations/2024_02_b.js", "src/migrations/2024_03_c.js"
	const index = "CREATE INDEX CONCURRENTLY ON t (id)"
	base := map[string]string{first: migration(query("CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (e e)"))}
	release := func(body string) map[string]string { return map[string]string{second: migration(body)} }
	bare := both(base, map[string]string{"src/kysely.config.js": "module.exports = { disableTransactions: true } // of Kysely's Migrator\n"})
	inner := "await db.transaction().execute(async (trx) => {\n" + "for (const i of [index]) await sql.raw(i).execute(trx)\n})"
	exercise(t, "src/migrations", table, map[string]releaseCase{
		"a transaction":  {base: base, head: release(query(index)), fails: inBlock},
		"no transaction": {base: bare, head: release(query(index))},
		"in one message": {base: bare, head: release(query("SELECT 1; " + index)), fails: inBlock},
		"a transaction of its own": {
			base: bare, head: release("const index = '" + index + "'\n" + inner + "\n" + query(index)), fails: inBlock,
		},
		"a loop": {
			base: base, head: release("for (const n of ['x']) await db.schema.alterTable('a').dropColumn(n).execute()"), fails: "does not exist",
		},
		"a loop without a transaction": {base: bare, head: release("for (const n of ['t']) " + query("CREATE INDEX CONCURRENTLY ON ${sql.table(n)} (id)"))},
		"nobody awaits it":             {base: base, head: release("db.schema.dropTable('a')")},
		"nobody executes":              {base: base, head: release("sql`" + index + "`")},
		"a table":                      {base: base, head: release("await db.schema.createTable('b').addColumn('id', 'integer').execute()")},
		"a table twice":                {base: base, head: release("await db.schema.createTable('a').addColumn('id', 'integer').execute()"), fails: "already exists"},
		"a missing column":             {base: base, head: release("await db.schema.alterTable('a').dropColumn('x').execute()"), fails: "does not exist"},
		"all pending in one": {
			base: base, fails: "unsafe use of new value",
			head: both(release(query("ALTER TYPE e ADD VALUE 'y'")), map[string]string{third: migration("await db.insertInto('a').values({ e: 'y' }).execute()")}),
		},
		"edited":       {base: base, head: map[string]string{first: migration(query("SELECT 1/0"))}},
		"gone":         {base: base, head: both(release(query("SELECT 1")), map[string]string{first: gone}), fails: "corrupted migrations"},
		"another name": {base: base, head: map[string]string{first: gone, second: base[first]}, fails: "corrupted migrations"},
		"out of order": {base: base, head: map[string]string{"src/migrations/2024_00_z.js": migration(query("SELECT 1"))}, fails: "corrupted migrations"},
	}, atOnce(t, func(url string) string { return url }, "node", "testdata/kysely.cjs", packages))
}
