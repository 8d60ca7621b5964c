package typeorm_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/typeorm"
	"github.com/onward-sql/onward/onward"
)

// TestTransactions: the mode of the project and the field of a migration decide on its transaction.
func TestTransactions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, project, field, script string
		mode                         onward.Transaction
		together, refused            bool
	}{
		{name: "default", mode: onward.TransactionFile, together: true},
		{name: "each", project: "migrationsTransactionMode: 'each'", mode: onward.TransactionFile},
		{name: "none", project: `"migrationsTransactionMode": "none"`, mode: onward.TransactionNone},
		{name: "each, but not this", project: "migrationsTransactionMode: 'each'", field: "transaction = false", mode: onward.TransactionNone},
		{name: "none, but this", project: "migrationsTransactionMode: 'none'", field: "readonly transaction: boolean = true;", mode: onward.TransactionFile},
		{name: "all, but not this", field: "transaction = false", mode: onward.TransactionNone, together: true, refused: true},
		{name: "by the command", script: "typeorm migration:run -d source.js -t each", mode: onward.TransactionFile},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Files{
				"src/data-source.ts": []byte("export default new DataSource({ " + tc.project + "\n })\n"),
				"package.json":       []byte(`{"scripts": {"migrate": "` + tc.script + `"}}`),
				"src/migration/1700000000000-A.ts": []byte("export class A1700000000000 implements MigrationInterface {\n  " + tc.field +
					"\n  async up(queryRunner: QueryRunner): Promise<void> { await queryRunner.query(`SELECT 1`) }\n}\n"),
			}
			set := adaptertest.LoadOnly(t, typeorm.Adapter, tree)
			if len(set.Migrations) != 1 {
				t.Fatalf("it reads %+v, want one migration", set)
			}
			m := set.Migrations[0]
			if m.Source.Mode != tc.mode || set.Together != tc.together || (len(m.Problems) > 0) != tc.refused || !strings.HasSuffix(m.Version, "1700000000000") {
				t.Errorf("mode %s, together %t, %v, version %s", m.Source.Mode, set.Together, m.Problems, m.Version)
			}
		})
	}
}

// TestSchemaAPI: a call is read only if all that its SQL depends on is literal.
func TestSchemaAPI(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"dropColumn('a.t', 'c')":                     `ALTER TABLE "a"."t" DROP COLUMN "c"`,
		"dropColumn('t', 'c', true)":                 `ALTER TABLE "t" DROP COLUMN IF EXISTS "c"`,
		"dropColumn('t', name)":                      "",
		"dropColumn('t', new TableColumn({}))":       "",
		"dropIndex('a.t', 'i')":                      `DROP INDEX "a"."i"`,
		"dropTable('t', true)":                       `DROP TABLE IF EXISTS "t"`,
		"createPrimaryKey('t', ['id'], 'k')":         `ALTER TABLE "t" ADD CONSTRAINT "k" PRIMARY KEY ("id")`,
		"addColumn('t', { name: 'c', type: 'int' })": `ALTER TABLE "t" ADD "c" int NOT NULL`,
		"addColumn('t', new TableColumn({ name: 'c', type: 'int', isPrimary: true }))":            "",
		"addColumn('t', new TableColumn({ name: 'c', type: 'int', generatedType: 'STORED' }))":    "",
		"addColumn('t', new TableColumn({ name: 'c', type: 'int', isNullable: x }))":              "",
		"addColumn('t', new TableColumn({ name: 'c', ...more }))":                                 "",
		"addColumn('t', new Column({ name: 'c', type: 'int' }))":                                  "",
		"addColumn(table, new TableColumn({ name: 'c', type: 'int' }))":                           "",
		"createIndex('t', new TableIndex({ name: 'i', columnNames: ['a'], isConcurrent: true }))": `CREATE INDEX CONCURRENTLY "i" ON "t"  ("a") `,
		"createTable(new Table({ name: 't', columns: columns }))":                                 "",
		"createTable(new Table({ name: 't', columns: [] }))":                                      "",
		"changeColumn('t', 'c', new TableColumn({ name: 'c', type: 'int' }))":                     "",
	} {
		tree := adaptertest.Files{"src/migration/1700000000000-A.ts": []byte("import { Table, TableCheck, TableColumn, TableExclusion, " +
			"TableForeignKey, TableIndex, TableUnique, View } from 'typeorm'; import { x, more, table, columns } from '../shop'\n" +
			"export class A1700000000000 implements MigrationInterface {\n  async up(queryRunner: QueryRunner): Promise<void> { await queryRunner." + call + " }\n}\n")}
		set := adaptertest.LoadOnly(t, typeorm.Adapter, tree)
		m, got := set.Migrations[0], ""
		for _, p := range m.Source.Parts {
			got += p.SQL
		}
		if got != want || (len(m.Opaque) == 1) != (want == "") {
			t.Errorf("%s: got %q, want %q; %d not judged", call, got, want, len(m.Opaque))
		}
	}
}
