package kysely_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/kysely"
	"github.com/onward-sql/onward/onward"
)

// TestSettings: the dialect decides on the database, and a plugin that changes names hides what the builders send.
func TestSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, setting, foreign string
		unread                 int
	}{
		{name: "Postgres", setting: "new PostgresDialect({})"},
		{name: "SQLite", setting: "new SqliteDialect({})", foreign: "SQLite"},
		{name: "tests on SQLite", setting: "test ? new SqliteDialect({}) : new PostgresDialect({})"},
		{name: "other names", setting: "new PostgresDialect({}), plugins: [new CamelCasePlugin()]", unread: 1},
		{name: "another schema", setting: "new PostgresDialect({}), plugins: [new WithSchemaPlugin('s')]", unread: 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Files{
				"src/database.ts": []byte("import { Kysely } from 'kysely'\nexport const db = new Kysely({ dialect: " + tc.setting + " })\n"),
				"src/migrations/2024_a.ts": []byte("import { Kysely, sql } from 'kysely'\nexport async function up(db: Kysely<any>) {\n" +
					"  await sql`SELECT 1`.execute(db)\n  await db.schema.dropTable('userNames').execute()\n  await db.schema.dropTable('user_names').execute()\n}\n"),
			}
			set := adaptertest.LoadOnly(t, kysely.Adapter, tree)
			if set.Source.Foreign != tc.foreign || !set.Together || len(set.Migrations[0].Opaque) != tc.unread || len(set.Migrations[0].Source.Parts) != 3-tc.unread {
				t.Errorf("it reads %+v, want foreign %q, one transaction and %d opaque calls", set, tc.foreign, tc.unread)
			}
		})
	}
}

// TestDisabledTransactions: a project may let Kysely run migrations without a transaction.
func TestDisabledTransactions(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"src/migrate.ts":           []byte("import { Kysely, Migrator } from 'kysely'\nnew Migrator({ db, provider, disableTransactions: true })\n"),
		"src/migrations/2024_a.ts": []byte("import { Kysely, sql } from 'kysely'\nexport async function up(db: Kysely<any>) {}\n"),
	}
	set := adaptertest.LoadOnly(t, kysely.Adapter, tree)
	if set.Together || set.Migrations[0].Source.Mode != onward.TransactionNone {
		t.Errorf("it reads %+v, want no transaction", set)
	}
}

// TestUnreadCalls: a call that is not all literals, or that Kysely refuses, sends nothing that is known.
func TestUnreadCalls(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"db.schema.createTable(name).addColumn('a', 'text').execute()",
		"db.schema.createTable('a').addColumn('b', kind).execute()",
		"db.schema.createTable('a').addColumn('b', 'text', (col) => col.defaultTo(x)).execute()",
		"db.schema.createTable('a').addColumn('b', 'text', (col) => x ? col.notNull() : col).execute()",
		"db.schema.createTable('a').addColumn('b', 'text', (col) => col.onDelete('cascade')).execute()",
		"db.schema.createTable('a').addColumn('b', 'text', (col) => col.defaultTo(sql`${x}`)).execute()",
		"db.schema.createTable('a').addColumn('b', 'text', (col) => col.defaultTo(sql`${'x'}`)).execute()",
		"db.schema.createTable('a').$call(addColumns).execute()",
		"db.schema.withSchema(name).dropTable('b').execute()",
		"db.withSchema(name).schema.dropTable('b').execute()",
		"db.withPlugin(new CamelCasePlugin()).schema.dropTable('b').execute()",
		"db.schema.alterTable('a').alterColumn('b', (ac) => ac).execute()",
		"db.schema.createIndex('a').on('b').execute()",
		"db.schema.createView('a').as(db.selectFrom('b').select('c').where('c', '=', x)).execute()",
		"db.schema.createView('a').as(db.selectFrom('b').select('c').orderBy('c')).execute()",
		"db.schema.createView('a').execute()",
		"db.insertInto('a').values(rows).execute()",
		"db.insertInto('a').values({ b: 1 }).onConflict((oc) => oc).execute()",
		"db.insertInto('a').values({ b: 1 }).onConflict((oc) => oc.column('b').where('b', '=', 1).doNothing()).execute()",
		"db.updateTable('a').set({ b: 1 }).from('c').whereRef('a.b', x, 'c.b').execute()",
		"db.updateTable('a').set({ b: 1 }).where('b', '=', x).execute()",
		"db.deleteFrom('a').using('b').execute()",
		"db.transaction().execute(async (trx) => {})",
		"sql`SELECT ${x}`.execute(db)",
		"sql.raw(`SELECT ${x}`).execute(db)",
		"db.schema.dropTable('a')",
	} {
		m := adaptertest.LoadOnly(t, kysely.Adapter, adaptertest.Files{
			"src/migrations/2024_a.ts": []byte("import { Kysely, sql, CamelCasePlugin } from 'kysely'; import { name, kind, x, addColumns, rows } from './shop'\n" +
				"export async function up(db: Kysely<any>) {\n  await " + call + "\n}\n"),
		}).Migrations[0]
		if len(m.Source.Parts) > 0 || len(m.Opaque) == 0 || m.Opaque[0].Line != 3 {
			t.Errorf("%s: %d statements, not judged: %v", call, len(m.Source.Parts), m.Opaque)
		}
	}
}

// TestUnorderedMigrations: a project may let Kysely run a migration that comes late.
func TestUnorderedMigrations(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"src/migrate.ts":           []byte("import { Kysely, Migrator } from 'kysely'\nnew Migrator({ db, provider, allowUnorderedMigrations: true })\n"),
		"src/migrations/2024_a.ts": []byte("import { Kysely, sql } from 'kysely'\nexport async function up(db: Kysely<any>) {}\n"),
	}
	set := adaptertest.LoadOnly(t, kysely.Adapter, tree)
	if strings.Contains(set.HistoryBehavior.OutOfOrder, "refuses") {
		t.Errorf("it reads %+v, want no refusal of a migration out of order", set)
	}
}

// TestModulesWithoutUp: Kysely ignores a module that exports no function up, such as a project's own provider.
func TestModulesWithoutUp(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"src/migrations/2024_a.ts": []byte("import { Kysely, sql } from 'kysely'\n" +
			"export async function up(db: Kysely<any>) { await sql`SELECT 1`.execute(db) }\n"),
		"src/migrations/provider.ts": []byte("import type { Kysely } from 'kysely'\nexport class Provider {\n" +
			"  async list(all) { return { up: async (db) => all.up(db) } }\n}\nexport interface Step { up(db: Kysely<unknown>): Promise<void> }\n"),
		"src/migrations/2024_b.ts": []byte("import { Kysely } from 'kysely'\n" +
			"export async function up(db: Kysely<any>) { throw new Error('it exports no function') }\n"),
	}
	set := adaptertest.LoadOnly(t, kysely.Adapter, tree)
	if len(set.Migrations) != 2 || set.Migrations[0].Version != "2024_a" || set.Migrations[1].Version != "2024_b" {
		t.Errorf("migrations %+v, want 2024_a and 2024_b", set.Migrations)
	}
}
