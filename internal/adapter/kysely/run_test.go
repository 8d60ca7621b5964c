package kysely_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/kysely"
)

// lib is a file that the programs of TestRuns import.
const lib = "import { sql, Kysely } from 'kysely'\nexport const all = ['a', 'b'].map((n) => 'shop_' + n)\n" +
	"export const withStamps = (t) => t.addColumn('made', 'timestamptz', (col) => col.defaultTo(now).notNull())\n" +
	"const now = sql`now()`\nexport const dropAll = async (db: Kysely<any>, ...names: string[]) => {\n" +
	"for (const n of names) await db.schema.dropTable(n).execute()\n}\n"

// runProgram returns the statements of a migration and what is not judged of it, each with its line.
func runProgram(t *testing.T, program, settings string) string {
	t.Helper()
	m := adaptertest.LoadOnly(t, kysely.Adapter, adaptertest.Files{
		"src/migrations/2024_a.ts": []byte(program), "src/lib.ts": []byte(lib),
		"src/database.ts": []byte("import { Kysely } from 'kysely'\nexport const db = new Kysely({ " + settings + " })\n"),
	}).Migrations[0]
	return adaptertest.DescribeProgram(m, program)
}

// TestRuns: what the text of a program does not say is asked of a run of it.
func TestRuns(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	const begin = "import { Kysely, sql } from 'kysely'\nexport async function up(db: Kysely<any>): Promise<void> {\n"
	for name, tc := range map[string]struct{ program, settings, want string }{
		"a loop over names of another file": {
			program: "import { all } from '../lib'\n" + begin + "for (const n of all) await db.schema.alterTable(n).dropColumn('x').execute()\n}",
			want:    "4 alter table \"shop_a\" drop column \"x\"\n4 alter table \"shop_b\" drop column \"x\"",
		},
		"a helper that adds columns": {
			program: "import { withStamps } from '../lib'\n" + begin + "await withStamps(db.schema.createTable('a').addColumn('id', 'int4')).execute()\n}",
			want:    "4 create table \"a\" (\"id\" int4, \"made\" timestamptz default now() not null)",
		},
		"the same by $call": {
			program: "import { withStamps } from '../lib'\n" + begin + "await db.schema.createTable('a').$call(withStamps).execute()\n}",
			want:    "4 create table \"a\" (\"made\" timestamptz default now() not null)",
		},
		"a helper that sends": {
			program: "import { dropAll } from '../lib'\n" + begin + "await dropAll(db, 'a', 'b')\n}",
			want:    "4 drop table \"a\"\n4 drop table \"b\"",
		},
		"builders do not change": {
			program: begin + "const base = db.schema.alterTable('a')\nbase.dropColumn('lost')\nfor (const c of ['x', 'y']) await base.dropColumn(c).execute()\n}",
			want: "3 alter table \"a\" drop column \"x\"\n3 alter table \"a\" drop column \"y\"\n" +
				"3 call of db.schema.alterTable: it sends nothing, because nothing awaits it",
		},
		"a builder that grows": {
			program: begin + "let t = db.schema.createTable('a')\nfor (const c of ['x', 'y']) t = t.addColumn(c, 'text', (col) => (c === 'x' ? col.notNull() : col))\n" +
				"await t.execute()\n}",
			want: "3 create table \"a\" (\"x\" text not null, \"y\" text)",
		},
		"what a callback returns": {
			program: begin + "await db.schema.createTable('a').addColumn('b', 'text', (col) => {\ncol.unique()\nlet c = col.notNull()\n" +
				"if (1 < 2) c = c.primaryKey()\nreturn c\n}).execute()\n}",
			want: "3 create table \"a\" (\"b\" text not null primary key)",
		},
		"sql in a loop": {
			program: begin + "for (const n of ['a', 'b']) await sql`DROP TABLE ${sql.table(n)}`.execute(db)\n}",
			want:    "3 DROP TABLE \"a\"\n3 DROP TABLE \"b\"",
		},
		"values, names and fragments": {
			program: begin + "const where = sql`${sql.ref('t.n')} = ${1 + 1}`\nconst { ref } = db.dynamic\n" +
				"await sql`UPDATE ${sql.id('s', 't')} SET x = ${sql.lit('a' + 'b')}, y = ${sql.val('v')} WHERE ${where}" +
				" AND ${ref('z')} ${sql.raw('IS ' + 'NULL')}`.execute(db)\n" +
				"await sql`DELETE FROM t WHERE n IN (${sql.join([1, 2].map((n) => n * 2))})`.execute(db)\n}",
			want: "5 UPDATE \"s\".\"t\" SET x = 'ab', y = 'v' WHERE \"t\".\"n\" = '2' AND \"z\" IS NULL\n6 DELETE FROM t WHERE n IN ('2', '4')",
		},
		"raw text of a constant": {
			program: begin + "const lines = ['CREATE TABLE a ()', 'DROP TABLE a']\nawait sql.raw(lines.join(';\\n')).execute(db)\nawait sql`SELECT 1`.execute(db)\n}",
			want:    "4 CREATE TABLE a ();\nDROP TABLE a\n5 SELECT 1",
		},
		"a compiled query": {
			program: begin + "await db.executeQuery(sql`DROP TABLE ${sql.table('a')}`.compile(db))\nawait db.executeQuery(db.schema.dropTable('b').compile())\n}",
			want:    "3 DROP TABLE \"a\"\n4 drop table \"b\"",
		},
		"nobody awaits what is executed": {
			program: begin + "db.schema.alterTable('a').dropColumn('x').execute()\nawait db.schema.dropTable('b').execute()\n}",
			want:    "3 alter table \"a\" drop column \"x\"\n4 drop table \"b\"",
		},
		"a value of another place": {
			program: begin + "await db.insertInto('a').values({ b: JSON.stringify({ c: [1, 2] }), d: Math.max(1, 2) }).execute()\n}",
			want:    "3 insert into \"a\" (\"b\", \"d\") values ('{\"c\":[1,2]}', '2')",
		},
		"an assignment that asks the builder": {
			program: begin + "await db.updateTable('a').set((eb) => ({ b: sql`lower(b)`, c: 1 })).where('d', 'is', null).execute()\n}",
			want:    "3 update \"a\" set \"b\" = lower(b), \"c\" = '1' where \"d\" is null",
		},
		"columns that a callback names": {
			program: begin + "await db.updateTable('a as x').from('b').set((eb) => ({ c: eb.ref('b.c'), d: eb.val('e') })).whereRef('b.id', '=', 'x.id').execute()\n" +
				"await db.insertInto('a').values({ c: 1 }).onConflict((oc) => oc.column('c').doUpdateSet((eb) => ({ c: eb.ref('excluded.c') }))).execute()\n}",
			want: "3 update \"a\" as \"x\" set \"c\" = \"b\".\"c\", \"d\" = 'e' from \"b\" where \"b\".\"id\" = \"x\".\"id\"\n" +
				"4 insert into \"a\" (\"c\") values ('1') on conflict (\"c\") do update set \"c\" = \"excluded\".\"c\"",
		},
		"a condition on the environment": {
			program: begin + "for (const n of ['a']) if (process.env.SHOP) await db.schema.dropTable(n).execute()\n}",
			want:    "3 drop table \"a\" sometimes",
		},
		"what depends on rows": {
			program: begin + "const rows = await db.selectFrom('a').select('n').execute()\n" +
				"for (const r of rows) await db.deleteFrom('b').where('n', '=', r.n).execute()\nfor (const n of ['c']) await db.schema.dropTable(n).execute()\n}",
			want: "3 select \"n\" from \"a\"\n5 drop table \"c\"\n4 call of db.deleteFrom.where: not all of its arguments are literals",
		},
		"what depends on tables": {
			program: begin + "const tables = await db.introspection.getTables()\nif (!tables.some((t) => t.name === 'a'))\n" +
				"for (const n of ['a']) await db.schema.createTable(n).addColumn('b', 'text').execute()\n}",
			want: "5 create table \"a\" (\"b\" text) sometimes",
		},
		"a transaction in a transaction": {
			program: begin + "await db.transaction().execute(async (trx) => {\nfor (const n of ['a']) await trx.schema.dropTable(n).execute()\n})\n" +
				"for (const n of ['b']) await db.schema.dropTable(n).execute()\n}",
			want: "4 drop table \"a\"\n6 drop table \"b\"\n3 call of db.transaction: Kysely refuses it in the transaction in which a migration runs",
		},
		"a transaction where there is none": {
			settings: "disableTransactions: true",
			program: begin + "await db.transaction().setIsolationLevel('serializable').execute(async (trx) => {\n" +
				"for (const n of ['a']) await trx.schema.dropTable(n).execute()\nif (trx.isTransaction) await sql`SELECT 1`.execute(trx)\n})\n" +
				"if (!db.isTransaction) await db.schema.dropTable('b').execute()\n}",
			want: "4 drop table \"a\" block\n5 SELECT 1 block\n7 drop table \"b\"",
		},
		"another connection": {
			program: begin + "const other = new Kysely({})\nfor (const n of ['a']) await other.schema.dropTable(n).execute()\n" +
				"for (const n of ['b']) await db.schema.dropTable(n).execute()\nfor (const n of ['c']) await db.schema.dropTable(n).execute()\n}",
			want: "4 drop table \"a\"\n5 drop table \"b\" block\n6 drop table \"c\" block",
		},
		"a provider that gives more": {
			program: "import { Kysely } from 'kysely'\nexport async function up(db: Kysely<any>, context: any): Promise<void> {\n" +
				"if (context.dialect === 'pg') for (const n of ['a']) await db.schema.dropTable(n).execute()\n}",
			want: "3 drop table \"a\" sometimes",
		},
		"a plugin for names": {
			settings: "plugins: [new CamelCasePlugin()]",
			program:  begin + "for (const n of ['a', 'bC']) await db.schema.dropTable(n).execute()\n}",
			want:     "3 drop table \"a\"\n3 call of db.schema.dropTable: a plugin of the project changes names",
		},
		"a plugin for a schema": {
			settings: "plugins: [new WithSchemaPlugin('s')]",
			program:  begin + "for (const n of ['a']) await db.schema.dropTable(n).execute()\nawait sql.raw(['SELECT', 1].join(' ')).execute(db)\n}",
			want:     "4 SELECT 1\n3 call of db.schema.dropTable: a plugin of the project adds a schema",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, runProgram(t, tc.program, tc.settings)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
