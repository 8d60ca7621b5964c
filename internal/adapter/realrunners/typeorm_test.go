package realrunners

import "testing"

// TestTypeORMOnServer compares onward's findings with what TypeORM does.
func TestTypeORMOnServer(t *testing.T) {
	t.Parallel()
	packages := installed(t, "typeorm")
	migration := func(class, fields, body string) string {
		return "module.exports.X = class " + class + " {\n  name = '" + class + "'\n  " + fields +
			"\n  async up(queryRunner) {\n    " + body + "\n  }\n  async down() {}\n}\n"
	}
	query := func(sql string) string { return "await queryRunner.query(`" + sql + "`)" }
	withMode := func(mode string) map[string]string {
		return map[string]string{"src/data-source.json": `{"migrationsTransactionMode": "` + mode + `"}`}
	}
	const second, third = "src/migrations/1700000000002-B.js", "src/migrations/1700000000003-C.js"
	const index = "CREATE INDEX CONCURRENTLY ON t (id)"
	value, use := migration("B1700000000002", "", query("ALTER TYPE e ADD VALUE 'y'")), migration("C1700000000003", "", query("INSERT INTO a VALUES ('y')"))
	base := map[string]string{"src/migrations/1700000000001-A.js": migration("A1700000000001", "", query("CREATE TYPE e AS ENUM ('x'); CREATE TABLE a (e e)"))}
	release := func(text string) map[string]string { return map[string]string{second: text} }
	exercise(t, "src/migrations", table, map[string]releaseCase{
		"a transaction":   {base: base, head: release(migration("B1700000000002", "", query(index))), fails: inBlock},
		"in one message":  {base: both(base, withMode("none")), head: release(migration("B1700000000002", "", query("SELECT 1; "+index))), fails: inBlock},
		"each, but not B": {base: both(base, withMode("each")), head: release(migration("B1700000000002", "transaction = false", query(index)))},
		"each, and B":     {base: both(base, withMode("each")), head: release(migration("B1700000000002", "", query(index))), fails: inBlock},
		"none":            {base: both(base, withMode("none")), head: release(migration("B1700000000002", "", query(index)))},
		"all, but not B": {
			base: base, head: release(migration("B1700000000002", "transaction = false", query("SELECT 1"))), fails: "override the transaction mode",
		},
		"after a commit of its own": {
			base: base,
			head: release(migration("B1700000000002", "", "await queryRunner.commitTransaction();\n"+query(index)+";\nawait queryRunner.startTransaction();")),
		},
		"all pending in one": {
			base:  base,
			head:  both(release(value), map[string]string{third: use}),
			fails: "unsafe use of new value",
		},
		"each its own": {
			base: both(base, withMode("each")),
			head: both(release(value), map[string]string{third: use}),
		},
		"a guard against what exists": {
			base: base,
			head: release(migration("B1700000000002", "", "if (!(await queryRunner.hasTable('a'))) {\n"+query("CREATE TABLE a (id int)")+"\n}")),
		},
		"a guard against what does not": {
			base: base, head: release(migration("B1700000000002", "", "if (!(await queryRunner.hasTable('b'))) {\n"+query(index)+"\n}")), fails: inBlock,
		},
		"a guard that needs a table": {
			base: base, head: release(migration("B1700000000002", "", "if (await queryRunner.hasTable('b')) {\n"+query("ALTER TABLE b DROP c")+"\n}")),
		},
		"a guard that returns": {
			base: base,
			head: release(migration("B1700000000002", "", "const has = await queryRunner.hasColumn('b', 'c')\nif (!has) return\n"+query("ALTER TABLE b DROP c"))),
		},
		"a helper": {
			base: base, fails: inBlock,
			head: release("async function add(runner) {\n  await runner.query(`" + index + "`)\n}\n" + migration("B1700000000002", "", "await add(queryRunner)")),
		},
		"a text with escapes": {base: base, head: release(migration("B1700000000002", "", `await queryRunner.query("CREATE TABLE \"b\" (id int)")`))},
		"edited":              {base: base, head: map[string]string{"src/migrations/1700000000001-A.js": migration("A1700000000001", "", query("SELECT 1/0"))}},
		"out of order":        {base: base, head: map[string]string{"src/migrations/1700000000000-Z.js": migration("Z1700000000000", "", query("SELECT 1"))}},
		"another name": {
			base:  base,
			head:  map[string]string{"src/migrations/1700000000001-A.js": migration("Z1700000000001", "", query("CREATE TABLE a (id int)"))},
			fails: "already exists",
		},
	}, atOnce(t, func(url string) string { return url }, "node", "testdata/typeorm.cjs", packages))
}
