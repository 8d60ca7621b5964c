package all_test

import (
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/onward"
)

// programs are the newest migrations of projects: their styles decide how a plan's are written. want is a part of the written file.
var programs = []struct{ framework, file, text, setting, want string }{
	{
		"knex", "migrations/20240101000000_a.js", "exports.up = (knex) => knex.raw('SELECT 1')\n", "",
		"exports.config = { transaction: false }\n\nexports.up = async function (knex) {\n",
	},
	{"knex", "migrations/20240101000000_a.mjs", "export const up = (knex) => knex.raw('SELECT 1')\n", "", "export async function up(knex) {\n"},
	{
		"knex", "migrations/20240101000000_a.ts", "import * as Knex from 'knex'\n\nexport async function up(knex: Knex) {}\n", "",
		"import * as Knex from 'knex'\n\nexport const config = { transaction: false }\n\nexport async function up(knex: Knex): Promise<void> {\n",
	},
	{
		"typeorm", "migrations/1700000000001-A.js", "module.exports = class A1700000000001 {\n  async up(queryRunner) {}\n}\n", "",
		"module.exports = class Page011767323045000 {\n  name = 'Page011767323045000'\n",
	},
	{
		"typeorm", "migrations/1700000000001-A.js", "export class A1700000000001 {\n  async up(queryRunner) {}\n}\n", "none",
		"await queryRunner.startTransaction()\n    await queryRunner.query(`SET LOCAL",
	},
	{
		"typeorm", "migrations/1700000000001-A.ts",
		"import type { MigrationInterface, QueryRunner } from 'typeorm'\nexport class A1700000000001 implements MigrationInterface {}\n",
		"each", "import type { MigrationInterface, QueryRunner } from 'typeorm'\n\nexport class Page011767323045000 implements MigrationInterface {\n",
	},
	{
		"sequelize", "migrations/20240101000000-a.js", "module.exports = {\n  up: async (queryInterface, Sequelize) => {},\n}\n", "",
		"module.exports = {\n  async up(queryInterface) {\n",
	},
	{
		"sequelize", "migrations/20240101000000-a.js", "export default {\n  async up(queryInterface) {},\n}\n", "",
		"export default {\n  async up(queryInterface) {\n",
	},
	{
		"sequelize", "migrations/20240101000000-a.ts", "export const up = async ({ context: queryInterface }) => {}\n", "",
		"export async function up({ context: queryInterface }: { context: QueryInterface }) {\n",
	},
	{
		"mikro-orm", "migrations/Migration20240101000000_a.js",
		"const { Migration } = require('@mikro-orm/migrations')\nexports.A = class A extends Migration {\n  up() {}\n}\n",
		"allOrNothing", "exports.Migration20260102030405_Page_01 = class Migration20260102030405_Page_01 extends Migration {\n",
	},
	{
		"mikro-orm", "migrations/Migration20240101000000.ts",
		"import { Migration } from '@mikro-orm/migrations'\nexport class A extends Migration {\n  up() {}\n}\n",
		"transactional", "this.addSql(`BEGIN;\nSET LOCAL lock_timeout = '2s';\n",
	},
}

// settingsOf returns the files of a project with a setting about transactions.
func settingsOf(framework, setting string) adaptertest.Files {
	switch {
	case setting == "":
		return adaptertest.Files{}
	case framework == "typeorm":
		return adaptertest.Files{"src/data-source.ts": []byte("new DataSource({ migrationsTransactionMode: '" + setting + "' })\n")}
	}
	return adaptertest.Files{"mikro-orm.config.ts": []byte("export default { migrations: { " + setting + ": false } }\n")}
}

// TestProgramsReadBack writes statements as programs in a project's style, and reads exactly these back.
func TestProgramsReadBack(t *testing.T) {
	t.Parallel()
	statements := []string{
		"SET LOCAL lock_timeout = '2s'", "UPDATE a SET b = '`${x} $$ \\n \\\\ ' WHERE c @? '$.d' AND e ? 'f'",
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n\n  RETURN NEW; -- `\nEND\n$$",
	}
	file := onward.PlanStep{
		ID: "01-expand", Phase: onward.Expand, Class: onward.StepDDL, Transaction: onward.TransactionFile, Why: "change",
		SQL: "BEGIN;\n" + strings.Join(statements, ";\n") + ";\nCOMMIT;\n",
	}
	alone := onward.PlanStep{
		ID: "02-expand", Phase: onward.Expand, Class: onward.StepConcurrent, Transaction: onward.TransactionNone, Why: "build",
		SQL: "CREATE INDEX CONCURRENTLY i ON a (b);\n", Undo: "DROP INDEX CONCURRENTLY IF EXISTS i;\n",
	}
	for _, tc := range programs {
		t.Run(tc.framework+" "+tc.setting+" "+path.Ext(tc.file), func(t *testing.T) {
			t.Parallel()
			a, _ := all.FindAdapter(tc.framework)
			source := adapter.Source{Framework: tc.framework, Dir: "migrations"}
			files := settingsOf(tc.framework, tc.setting)
			files[tc.file] = []byte(tc.text)
			set, err := a.Load(t.Context(), files, source)
			if err != nil || len(set.Migrations) != 1 {
				t.Fatalf("load %s: %v; it reads %+v, want one migration", tc.file, err, set)
			}
			w, err := adapter.NewWriting(files, set, a.(adapter.Writer).Form(files, set), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
			if err != nil {
				t.Fatal(err)
			}
			read := func(s *onward.PlanStep) ([]string, string) {
				out, err := w.Files(&onward.Plan{Name: "p"}, s, "Page_01")
				if err != nil || len(out) != 1 {
					t.Fatalf("write step %s: %v; its files: %+v, want one", s.ID, err, out)
				}
				writtenFiles := settingsOf(tc.framework, tc.setting)
				writtenFiles[out[0].Path] = []byte(out[0].Text)
				set, err := a.Load(t.Context(), writtenFiles, source)
				if err != nil || len(set.Migrations) != 1 || len(set.Migrations[0].Opaque) > 0 || len(set.Migrations[0].Problems) > 0 {
					t.Fatalf("read back: %v; it reads %+v, want one migration read in full:\n%s", err, set, out[0].Text)
				}
				var sql []string
				for _, p := range set.Migrations[0].Source.Parts {
					for _, s := range adapter.SplitStatements(p.SQL) {
						switch s { // the tool's own transaction
						case "BEGIN", "COMMIT", "START TRANSACTION":
						default:
							sql = append(sql, s)
						}
					}
				}
				return sql, out[0].Text
			}
			got, text := read(&file)
			if diff := cmp.Diff(statements, got); diff != "" || !strings.Contains(text, tc.want) {
				t.Errorf("%s\n%s is wanted in\n%s", diff, tc.want, text)
			}
			got, text = read(&alone)
			if diff := cmp.Diff([]string{"DROP INDEX CONCURRENTLY IF EXISTS i", "CREATE INDEX CONCURRENTLY i ON a (b)"}, got); diff != "" {
				t.Errorf("statements of the concurrent step (-want +got):\n%s\nits file:\n%s", diff, text)
			}
		})
	}
}

// TestProgramsUnwritable says why no migration can have a step of a plan, and which settings and texts a tool refuses.
func TestProgramsUnwritable(t *testing.T) {
	t.Parallel()
	form := func(framework, file, text string) *adapter.Form {
		a, _ := all.FindAdapter(framework)
		files := adaptertest.Files{file: []byte(text)}
		set, err := a.Load(t.Context(), files, adapter.Source{Framework: framework, Dir: "migrations"})
		if err != nil || set.Count == nil || set.Beyond == nil {
			t.Fatalf("load %s of %s: %v; it reads %+v, want Count and Beyond set", file, framework, err, set)
		}
		return a.(adapter.Writer).Form(files, set)
	}
	if f := form("kysely", "migrations/1_a.ts", "import { Kysely } from 'kysely'\nexport async function up(db: Kysely<any>) {}\n"); f != nil {
		t.Errorf("Kysely runs all pending migrations in one transaction: %+v", f)
	}
	mikro := form("mikro-orm", "migrations/Migration20240101000000.ts",
		"import { Migration } from '@mikro-orm/migrations'\nexport class A extends Migration {\n  up() {}\n}\n")
	if !strings.Contains(mikro.Unwritable, "set allOrNothing: false") {
		t.Errorf("MikroORM's form is %+v, want the advice allOrNothing: false", mikro)
	}
	typeorm := form("typeorm", "migrations/001-a.ts", "export class A1700000000001 implements MigrationInterface {}\n")
	if !strings.Contains(typeorm.Unwritable, "does not begin with it") {
		t.Errorf("TypeORM's form is %+v, want it unwritable because of the file's name", typeorm)
	}
	knex := form("knex", "migrations/1_a.js", "exports.up = (knex) => knex.raw('SELECT 1')\n")
	if reason := knex.Refuses(`SELECT '\?'`); reason == "" {
		t.Error("Knex removes the backslash of a text")
	}
}

// TestTableOfSettings finds the tool's table in a project's settings.
func TestTableOfSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ framework, migration, text, file, setting, want string }{
		{"knex", "1_a.js", "exports.up = (knex) => 1", "knexfile.js", "migrations: { directory: 'x', tableName: 'Done', schemaName: 'shop' }", `shop."Done"`},
		{"knex", "1_a.js", "exports.up = (knex) => 1", "knexfile.js", "tableName: 'other'", "knex_migrations"},
		{
			"typeorm", "1700000000001-A.ts", "class A1700000000001 implements MigrationInterface {}", "src/data-source.ts",
			"  schema: 'shop',\n  migrations: [],\n", "shop.migrations",
		},
		{
			"typeorm", "1700000000001-A.ts", "class A1700000000001 implements MigrationInterface {}", "src/data-source.ts",
			"migrations: [], migrationsTableName: \"done\"", "done",
		},
		{"sequelize", "1-a.js", "exports.up = (queryInterface) => 1", "config/config.json", `"migrationStorageTableName": "done"`, "done"},
		{"sequelize", "1-a.js", "exports.up = (queryInterface) => 1", "config/config.json", "{}", `"SequelizeMeta"`},
		{
			"mikro-orm", "Migration20240101000000.ts", "class A extends Migration { up() { this.addSql(``) } }", "mikro-orm.config.ts",
			"migrations: { tableName: 'shop.done' }", "shop.done",
		},
		{"kysely", "1_a.ts", "import 'kysely'\nexport function up() {}", "src/kysely.ts", "new Migrator({ migrationTableName: 'done' }) // kysely", "done"},
	} {
		a, _ := all.FindAdapter(tc.framework)
		set, err := a.Load(t.Context(), adaptertest.Files{"migrations/" + tc.migration: []byte(tc.text), tc.file: []byte(tc.setting)},
			adapter.Source{Framework: tc.framework, Dir: "migrations"})
		if err != nil || set.Count == nil || set.Count.Table != tc.want {
			t.Errorf("%s with %s: %v; it reads %+v, want the table %s", tc.framework, tc.setting, err, set, tc.want)
		}
	}
}
