package realrunners

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/knex"
)

// TestKnexSchema compares the statements of the schema builder and of the query builder with those that Knex sends.
//
// Not parallel: it reads the end of the server's log.
func TestKnexSchema(t *testing.T) {
	packages := installed(t, "knex")
	compareSent(t, knex.Adapter, "knex_schema.js", "src/migrations/20240101000000_schema.js",
		atOnce(t, func(url string) string { return url }, "node", "testdata/knex.cjs", packages))
}

// TestKnexPrograms compares what a run of a program records with what Knex sends: loops, functions of other files, SQL in a file.
func TestKnexPrograms(t *testing.T) {
	packages := installed(t, "knex")
	compareSent(t, knex.Adapter, "knex_program.js", "src/migrations/20240101000000_program.js",
		atOnce(t, func(url string) string { return url }, "node", "testdata/knex.cjs", packages),
		[2]string{"knex_program_lib.js", "src/lib/tables.js"}, [2]string{"knex_program.sql", "src/sql/seed.sql"},
		[2]string{"knex_program.json", "src/knexfile.json"})
}

// TestKnexOnServer compares onward's findings with what Knex does.
func TestKnexOnServer(t *testing.T) {
	t.Parallel()
	packages := installed(t, "knex")
	migration := func(body string) string {
		return "// Knex\nexports.up = async function (knex) {\n  " + body + "\n}\nexports.down = async function () {}\n"
	}
	raw := func(sql string) string { return "await knex.raw(`" + sql + "`)" }
	const apart = "exports.config = { transaction: false }\n"
	const second, third = "src/migrations/20240102_b.js", "src/migrations/20240103_c.js"
	const index = "CREATE INDEX CONCURRENTLY ON t (id)"
	base := map[string]string{"src/migrations/20240101_a.js": migration(raw("CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (e e, tags jsonb)"))}
	disabled := both(base, map[string]string{"src/knexfile.json": `{"migrations": {"disableTransactions": true}}`})
	release := func(text string) map[string]string { return map[string]string{second: text} }
	value, use := migration(raw("ALTER TYPE e ADD VALUE 'y'")), migration(raw("INSERT INTO a VALUES ('y')"))
	exercise(t, "src/migrations", table, map[string]releaseCase{
		"a transaction":         {base: base, head: release(migration(raw(index))), fails: inBlock},
		"without a transaction": {base: base, head: release(migration(raw(index)) + apart)},
		"in one message":        {base: base, head: release(migration(raw("SELECT 1; "+index)) + apart), fails: inBlock},
		"disabled":              {base: disabled, head: release(migration(raw(index)))},
		"disabled, but not this": {
			base: disabled, head: release(migration(raw(index)) + "exports.config = { transaction: true }\n"), fails: inBlock,
		},
		"the schema builder": {base: base, head: release(migration("return knex.schema.raw('SELECT 1').raw('" + index + "')")), fails: inBlock},
		"a transaction of its own": {
			base: base, head: release(migration("await knex.transaction(async (q) => { await q.raw('"+index+"') })") + apart), fails: inBlock,
		},
		"all pending in one": {base: base, head: both(release(value), map[string]string{third: use}), fails: "unsafe use of new value"},
		"each its own, because a third has none": {
			base: base, head: both(release(value), map[string]string{third: use, "src/migrations/20240104_d.js": migration(raw(index)) + apart}),
		},
		"nobody awaits it": {base: base, head: release(migration("knex.raw('" + index + "')"))},
		"a question mark":  {base: base, head: release(migration(`await knex.raw("DELETE FROM a WHERE tags \\? 'x'")`))},
		"a guard":          {base: base, head: release(migration("if (!(await knex.schema.hasTable('a'))) " + raw("CREATE TABLE a (id int)")))},
		"a guard on no table": {
			base: base, head: release(migration("const has = await knex.schema.hasTable('b')\nif (has) {\n" + raw("ALTER TABLE b DROP c") + "\n}")),
		},
		"a chain of then": {
			base: base, fails: inBlock,
			head: release("exports.up = (knex) => knex.raw('SELECT 1').then(() => knex.raw('" + index + "'))\nexports.down = (knex) => {}"),
		},
		"edited": {base: base, head: map[string]string{"src/migrations/20240101_a.js": migration(raw("SELECT 1/0"))}},
		"gone": {
			base: base, head: both(release(migration(raw("SELECT 1"))), map[string]string{"src/migrations/20240101_a.js": gone}), fails: "corrupt",
		},
		"out of order": {base: base, head: map[string]string{"src/migrations/20240100_z.js": migration(raw("SELECT 1"))}},
	}, atOnce(t, func(url string) string { return url }, "node", "testdata/knex.cjs", packages))
}
