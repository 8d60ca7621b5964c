package knex_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/onward"
)

// TestSettings: the knexfile and the config of a migration decide on its transaction and on its database.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, knexfile, config string
		mode                   onward.Transaction
		together               bool
		foreign                string
	}{
		{name: "default", mode: onward.TransactionFile, together: true},
		{name: "without a transaction", config: "export const config = { transaction: false };", mode: onward.TransactionNone, together: true},
		{name: "a typed config", config: "export const config: { transaction: boolean } = { transaction: false };", mode: onward.TransactionNone, together: true},
		{name: "disabled", knexfile: "migrations: { disableTransactions: true }", mode: onward.TransactionNone},
		{
			name: "disabled, but not this", knexfile: "migrations: { disableTransactions: true }", config: "exports.config = { transaction: true }",
			mode: onward.TransactionFile,
		},
		{name: "MySQL", knexfile: "client: 'mysql2'", mode: onward.TransactionFile, together: true, foreign: "MySQL"},
		{name: "tests on SQLite", knexfile: "test: { client: 'sqlite3' }, production: { client: 'pg' }", mode: onward.TransactionFile, together: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Files{
				"knexfile.ts": []byte("export default { " + tc.knexfile + " }\n"),
				"src/migrations/20240101000000_a.ts": []byte("import { Knex } from 'knex';\nexport async function up(knex: Knex) { await knex.raw(`SELECT 1`) }\n" +
					tc.config + "\n"),
			}
			set := adaptertest.LoadOnly(t, knex.Adapter, tree)
			if len(set.Migrations) != 1 || set.Source.Foreign != tc.foreign {
				t.Fatalf("it reads %+v, want one migration, foreign %q", set, tc.foreign)
			}
			m := set.Migrations[0]
			if m.Source.Mode != tc.mode || set.Together != tc.together || m.Version != "20240101000000_a" || !strings.HasSuffix(m.ID, "_a.ts") {
				t.Errorf("mode %s, together %t, version %s", m.Source.Mode, set.Together, m.Version)
			}
		})
	}
}

// TestRenamedIdentifiers: if the project's Knex changes identifiers, statements with such names are not judged.
func TestRenamedIdentifiers(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"knexfile.ts": []byte("export default { client: 'pg', ...knexSnakeCaseMappers() }\n"),
		"src/migrations/20240101000000_a.ts": []byte("import { Knex } from 'knex';\nexport async function up(knex: Knex) {\n" +
			"await knex.raw(`SELECT 1`)\nawait knex.schema.dropTable('userNames')\nawait knex.schema.dropTable('user_names') }\n"),
	}
	set := adaptertest.LoadOnly(t, knex.Adapter, tree)
	if len(set.Migrations[0].Source.Parts) != 2 || len(set.Migrations[0].Opaque) != 1 {
		t.Errorf("it reads %+v, want two statements and one opaque call", set)
	}
}

// TestUnreadCalls: a call that is not all literals, or that Knex refuses, sends nothing that is known.
func TestUnreadCalls(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"knex.schema.createTable(name, (t) => t.increments())",
		"knex.schema.createTable('a', (t) => { t.string(name) })",
		"knex.schema.createTable('a', (t) => { addColumns(t) })",
		"knex.schema.createTable('a', (t) => { if (x) { t.string('b') } })",
		"knex.schema.createTable('a', (t) => { x && t.string('b') })",
		"knex.schema.createTable('a', (t) => { t.string('b').nullable(x) })",
		"knex.schema.createTable('a', (t) => { t.string('b').inTable('c') })",
		"knex.schema.createTable('a', (t) => { t.string('b').references('id').onDelete('CASCADE') })",
		"knex.schema.createTable('a', (t) => { t.dropColumn('b') })",
		"knex.schema.createTable('a', (t) => { t.string('b').defaultTo(new Date()) })",
		"knex.schema.createTable('a', (t) => { t.uuid('b').defaultTo(knex.raw(`${x}`)) })",
		"knex.schema.createTable('a', (t) => { t.enum('b', Object.values(E)) })",
		"knex.schema.alterTable('a', (t) => { t.unique('b', { indexName: x }) })",
		"knex.schema.alterTable('a', (t) => { t.index('b', 'c', { predicate: knex.where('b', 1) }) })",
		"knex.schema.alterTable('a', (t) => { t.timestamp('b', { useTz: x }) })",
		"knex.schema.createView('a', (v) => v.as(knex('b').join('c', 'b.id', 'c.id').select()))",
		"knex.schema.createView('a', (v) => v.as(knex('b').where('c', x)))",
		"knex.schema.createView('a', (v) => { v.as(knex('b')); v.comment('c') })",
		"knex.raw('SELECT ?', [x])",
		"knex.raw('SELECT ?', x)",
		"knex.raw('SELECT :a', { a: x })",
		"knex.raw('SELECT ? ?', [1])",
		"knex.raw('SELECT ?', [1, 2])",
		"knex.raw('SELECT ? :a', { a: 1 })",
		"knex.raw('SELECT ??', [name])",
		"knex('a').where('b', x).del()",
		"knex('a').where((q) => q.where('b', 1)).del()",
		"knex('a').join('b', 'a.id', 'b.id').del()",
		"knex('a').insert(rows)",
		"knex('a').update({ b: x })",
		"knex('a').update(['b'])",
		"knex('a').insert({ b: 1 }).onConflict('b').merge()",
		"knex.select('a')",
	} {
		m := adaptertest.LoadOnly(t, knex.Adapter, adaptertest.Files{
			"migrations/20240101000000_a.js": []byte("const { name, addColumns, x, E, rows } = require('shop')\n" +
				"exports.up = async (knex) => {\n  await " + call + "\n}\n"),
		}).Migrations[0]
		if len(m.Source.Parts) > 0 || len(m.Opaque) != 1 || m.Opaque[0].Line != 3 {
			t.Errorf("%s: %d statements, not judged: %v", call, len(m.Source.Parts), m.Opaque)
		}
	}
}

// TestClientProperties: what a migration reads of Knex's client sends nothing; a query by the client is not known.
func TestClientProperties(t *testing.T) {
	t.Parallel()
	for line, opaque := range map[string]bool{
		"const isPostgres = knex.client.config.client === 'pg'":     false,
		"if (knex.client.driverName !== 'pg') throw new Error('x')": false,
		"console.log(knex.client.version, knex.client.dialect)":     false,
		"if (knex.client.config.client.includes('pg')) { }":         false,
		"await knex.client.query(connection, 'DROP TABLE users')":   true,
	} {
		set := adaptertest.LoadOnly(t, knex.Adapter, adaptertest.Files{
			"knexfile.ts": []byte("export default { client: 'pg' }\n"),
			"src/migrations/20240101000000_a.ts": []byte("import { Knex } from 'knex'; import { connection } from 'shop'\n" +
				"export async function up(knex: Knex) {\n" + line +
				"\nawait knex.schema.dropTable('letters')\n}\n"),
		})
		if m := set.Migrations[0]; len(m.Opaque) > 0 != opaque || len(m.Source.Parts) == 0 {
			t.Errorf("%s: opaque %v", line, m.Opaque)
		}
	}
}
