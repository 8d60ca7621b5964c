package knex_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/onward"
)

// readProgram returns the statements of a migration, with their lines and conditions, and the calls that are not
// judged.
func readProgram(t *testing.T, program string, sharedFiles map[string]string) string {
	t.Helper()
	files := adaptertest.Files{"knexfile.js": []byte("module.exports = { client: 'pg' }"), "migrations/20240101000000_a.js": []byte(program)}
	for name, text := range sharedFiles {
		files[name] = []byte(text)
	}
	m := adaptertest.LoadOnly(t, knex.Adapter, files).Migrations[0]
	return adaptertest.DescribeProgram(m, program)
}

// TestRuns: what the text of a program does not say is asked of a run of it.
func TestRuns(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	sharedFiles := map[string]string{
		"lib/tables.js": "exports.all = ['a', 'b'].map((n) => 'shop_' + n)\nexports.addId = (t) => { t.increments() }\n",
	}
	for name, tc := range map[string]struct{ program, want string }{
		"a loop over names of another file": {
			"const { all, addId } = require('../lib/tables')\nexports.up = async function up(knex) {\n" +
				"for (const n of all) await knex.schema.createTable(n, (t) => { addId(t) })\n}",
			"3 create table \"shop_a\" (\"id\" serial primary key)\n3 create table \"shop_b\" (\"id\" serial primary key)",
		},
		"a function with a name": {
			"// knex\nexports.up = async function up(knex) {\nawait knex.raw('DROP TABLE a')\n}", "3 DROP TABLE a",
		},
		"a table that may exist": {
			"exports.up = async (knex) => {\nfor (const n of ['a', 'b'])\nif (await knex.schema.hasTable(n)) await knex.schema.dropTable(n)\n}",
			"3 drop table \"a\" sometimes needs \"a\"\n3 drop table \"b\" sometimes needs \"b\"",
		},
		"what depends on rows stays opaque": {
			"exports.up = async (knex) => {\nfor (const r of await knex('a').select('id'))\nawait knex('b').where({ id: r.id }).del()\n" +
				"for (const n of ['a', 'b'])\nawait knex.schema.dropTable(n)\n}",
			"2 select \"id\" from \"a\"\n5 drop table \"a\"\n5 drop table \"b\"\n" +
				"3 call of knex.where.del: its SQL is known only when it runs",
		},
		"a template that looks like a schema's placeholder": {
			"const TABLE = 'shop_a'\nexports.up = async (knex) => {\nawait knex.schema.dropTable(`${TABLE}.b`)\n" +
				"for (const n of ['c']) await knex.raw(`DROP TABLE ${TABLE}.${n}`)\n}",
			"3 drop table \"shop_a\".\"b\"\n4 DROP TABLE shop_a.c",
		},
		"texts with values": {
			"exports.up = async (knex) => {\nawait knex.raw('UPDATE ?? SET ?? = ?, c = :d', ['s.t', 'b', \"it's\"])\n" +
				"await knex.raw(\"SELECT :a:, :b::int, '12:30' \\\\? :a:::text\", { a: 'x', b: 2 })\n" +
				"await knex('t').whereRaw('?? > ?', ['a', 3]).update({ b: knex.raw('b + ?', 1) })\n}",
			"2 UPDATE \"s\".\"t\" SET \"b\" = 'it''s', c = :d\n3 SELECT \"x\", '2'::int, '12:30' ? \"x\"::text\n" +
				"4 update \"t\" set \"b\" = b + '1' where \"a\" > '3'",
		},
		"a view": {
			"exports.up = (knex) => knex.schema.createViewOrReplace('v', (view) => {\nview.columns(['id', 'n'])\n" +
				"view.as(knex('users').select('id', 'name').where({ active: true }).where('age', '>', 18))\n})",
			"1 create or replace view \"v\" (\"id\", \"n\") as select \"id\", \"name\" from \"users\" where \"active\" = true and \"age\" > 18",
		},
		"a placeholder that nobody knows": {
			"exports.up = async (knex) => {\nawait knex.raw(`DROP TABLE ${process.env.SHOP}.b`)\n" +
				"for (const n of ['c']) await knex.schema.dropTable(n)\n}",
			"2 DROP TABLE shop               .b\n3 drop table \"c\"",
		},
		"a placeholder in a loop": {
			"exports.up = async (knex) => {\nfor (const n of ['a', 'b']) await knex.raw(`DROP TABLE ${process.env.SHOP}.${n}`)\n}",
			"2 DROP TABLE shop               .a\n2 DROP TABLE shop               .b",
		},
		"a run that fails": {
			"exports.up = async (knex) => {\nawait knex.raw('DROP TABLE a')\nawait knex.raw(`DROP TABLE ${x}`)\n}",
			"2 DROP TABLE a\n2 call of up: it ends with an error: x is not defined",
		},
		"a way that another database takes": {
			"exports.up = async (knex) => {\nif (knex.client.config.client === 'sqlite3') await knex.raw('PRAGMA a')\n" +
				"for (const n of ['a'])\nawait knex.schema.dropTable(n)\n}",
			"4 drop table \"a\"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, readProgram(t, tc.program, sharedFiles)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestStatic: no program runs if the settings say so.
func TestStatic(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	files := adaptertest.Files{
		"migrations/20240101000000_a.js": []byte("exports.up = async (knex) => {\nfor (const n of ['a', 'b']) await knex.schema.dropTable(n)\n}"),
	}
	for _, static := range []bool{false, true} {
		s := adapter.Source{Framework: "knex", Dir: "migrations", Options: adapter.Options{Static: static}}
		set, err := knex.Adapter.Load(t.Context(), files, s)
		if err != nil {
			t.Fatal(err)
		}
		if m := set.Migrations[0]; (len(m.Source.Parts) == 0) != static || (len(m.Opaque) > 0) != static {
			t.Errorf("static %v: %d statements, and not judged: %v", static, len(m.Source.Parts), m.Opaque)
		}
	}
}

// A program that exceeds a bound of the interpreter has failed: nobody knows the rest of it. An unknown call has not failed.
func TestBoundsFail(t *testing.T) {
	t.Parallel()
	for program, failed := range map[string]bool{
		"for (let i = 0; i < 1e9; i++);":                                          true,
		"const f = (n) => n < 2 ? n : f(n - 1) + f(n - 2); f(50)":                 true,
		"const g = (n) => g(n + 1); g(0)":                                         true,
		"const a = [1]; for (let i = 0; i < 30; i++) a.push(a.slice()); a.join()": true, // in one call, which is not interrupted
		"for (let i = 0; i < 1e5; i++) await knex.raw('SELECT ' + i)":             true,
		"await knex.unknownThing()":                                               false,
	} {
		m := adaptertest.LoadOnly(t, knex.Adapter, adaptertest.Text(map[string]string{
			"knexfile.js":     "module.exports = { client: 'pg' }",
			"migrations/1.js": "exports.up = async (knex) => { " + program + "; await knex.schema.dropTable('member') }; exports.down = async () => {}",
		})).Migrations[0]
		if len(m.Opaque) == 0 && m.Failed == "" {
			t.Errorf("%s: nothing is reported", program)
			continue
		}
		if got := m.Failed != "" || slices.ContainsFunc(m.Opaque, func(o onward.Opaque) bool { return o.Failed }); got != failed {
			t.Errorf("%s: failed is %t: %+v", program, got, m.Opaque)
		}
	}
}
