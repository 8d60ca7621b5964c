package realrunners

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/mikroorm"
)

// TestMikroORMPrograms compares what a run of a program records with what MikroORM sends: loops, fields and methods of classes, other files.
func TestMikroORMPrograms(t *testing.T) {
	packages := installed(t, "mikro-orm")
	compareSent(t, mikroorm.Adapter, "mikroorm_program.js", "src/migrations/Migration20240101000000.js",
		atOnce(t, func(url string) string { return url }, "node", "testdata/mikroorm.cjs", packages),
		[2]string{"mikroorm_program_lib.js", "src/lib/tables.js"})
}

// TestMikroORMOnServer compares onward's findings with what MikroORM does.
func TestMikroORMOnServer(t *testing.T) {
	t.Parallel()
	packages := installed(t, "mikro-orm")
	migration := func(class, body string) string {
		return "const { Migration } = require('@mikro-orm/migrations')\nexports.X = class " + class + " extends Migration {\n" +
			"  async up() {\n    " + body + "\n  }\n}\n"
	}
	outside := func(body string) string {
		return migration("Migration20240102000000", body+"\n  }\n  isTransactional() {\n    return false")
	}
	add := func(sql string) string { return "this.addSql(`" + sql + "`)" }
	const first, second = "src/migrations/Migration20240101000000.js", "src/migrations/Migration20240102000000.js"
	const third = "src/migrations/Migration20240103000000.js"
	const index = "CREATE INDEX CONCURRENTLY ON t (id)"
	base := map[string]string{first: migration("Migration20240101000000", add("CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (e e, tags jsonb)"))}
	with := func(setting string) map[string]string {
		return both(base, map[string]string{"src/mikro-orm.json": `{"migrations": {"` + setting + `": false}}`})
	}
	release := func(body string) map[string]string {
		return map[string]string{second: migration("Migration20240102000000", body)}
	}
	two := both(release(add("ALTER TYPE e ADD VALUE 'y'")), map[string]string{third: migration("Migration20240103000000", add("INSERT INTO a VALUES ('y')"))})
	exercise(t, "src/migrations", table, map[string]releaseCase{
		"a transaction":         {base: base, head: release(add(index)), fails: inBlock},
		"outside":               {base: base, head: map[string]string{second: outside(add(index))}},
		"outside, each its own": {base: with("allOrNothing"), head: map[string]string{second: outside(add(index))}},
		"no transaction":        {base: with("transactional"), head: release(add(index))},
		"in one message":        {base: with("transactional"), head: release(add("SELECT 1; " + index)), fails: inBlock},
		"all pending in one":    {base: base, head: two, fails: "unsafe use of new value"},
		"each its own":          {base: with("allOrNothing"), head: two},
		"a question mark":       {base: base, head: release(add("DELETE FROM a WHERE tags ? 'x' AND tags ?| ARRAY['y']"))},
		"a text with escapes":   {base: base, head: release(`this.addSql('COMMENT ON TABLE a IS \'x\'')`)},
		"a condition":           {base: base, head: release("if (process.env.NOBODY_SETS_THIS) { " + add("DROP TABLE nothing") + " }")},
		"edited":                {base: base, head: map[string]string{first: migration("Migration20240101000000", add("SELECT 1/0"))}},
		"gone":                  {base: base, head: both(release(add("SELECT 1")), map[string]string{first: gone})},
		"another name":          {base: base, head: map[string]string{first: gone, second: base[first]}, fails: "already exists"},
		"out of order": {
			base: base,
			head: map[string]string{"src/migrations/Migration20240100000000.js": migration("Migration20240100000000", add("SELECT 1"))},
		},
		"runs in a savepoint":    {base: base, head: release(add("SAVEPOINT s") + "\n" + add("ROLLBACK TO s"))},
		"the query of a builder": {base: base, head: release("this.addSql(this.getKnex().raw('SELECT 1').toQuery())")},
	}, atOnce(t, func(url string) string { return url }, "node", "testdata/mikroorm.cjs", packages))
}
