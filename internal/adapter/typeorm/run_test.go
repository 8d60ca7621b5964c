package typeorm_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/typeorm"
)

// TestRuns: what the text of a program does not say is asked of a run of it.
func TestRuns(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	const class = "export class A1700000000001 implements MigrationInterface {\npublic async up(queryRunner: QueryRunner): Promise<void> {\n"
	for name, tc := range map[string]struct{ program, want string }{
		"a loop over names of another file": {
			"import { all } from '../lib/tables'\n" + class + "for (const n of all) await queryRunner.query(`DROP TABLE ${n}`)\n} }",
			"4 DROP TABLE shop_a\n4 DROP TABLE shop_b",
		},
		"classes of the package": {
			"import { MigrationInterface, QueryRunner, TableColumn } from 'typeorm'\n" + class +
				"for (const n of ['a', 'b']) await queryRunner.addColumn(n, new TableColumn({ name: 'x', type: 'int', isNullable: true }))\n} }",
			"4 ALTER TABLE \"a\" ADD \"x\" int\n4 ALTER TABLE \"b\" ADD \"x\" int",
		},
		"a table that may exist": {
			class + "for (const n of ['a', 'b']) {\nif (await queryRunner.hasTable(n)) await queryRunner.query('DROP TABLE ' + n)\n}\n} }",
			"4 DROP TABLE a sometimes needs \"a\"\n4 DROP TABLE b sometimes needs \"b\"",
		},
		"a field and a method of the class": {
			"export class A1700000000001 implements MigrationInterface {\nname = 'A1700000000001'\nprivate readonly tables = ['a']\n" +
				"public async up(queryRunner: QueryRunner) { await this.drop(queryRunner) }\n" +
				"private async drop(q: QueryRunner) { for (const n of this.tables) await q.query('DROP TABLE ' + n) }\n}",
			"5 DROP TABLE a",
		},
		"what depends on rows": {
			class + "const rows = await queryRunner.query('SELECT 1')\nfor (const r of rows) await queryRunner.query(`DROP TABLE ${r.n}`)\n" +
				"for (const n of ['a']) await queryRunner.query('DROP TABLE ' + n)\n} }",
			"3 SELECT 1\n5 DROP TABLE a\n4 call of queryRunner.query: its text is put together when it runs",
		},
		"a repository": {
			class + "await queryRunner.manager.getRepository('A').save({})\nfor (const n of ['a']) await queryRunner.query('DROP TABLE ' + n)\n} }",
			"4 DROP TABLE a\n3 call of queryRunner.manager.getRepository: its SQL is known only when it runs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := adaptertest.LoadOnly(t, typeorm.Adapter, adaptertest.Files{
				"src/migrations/1700000000001-A.ts": []byte(tc.program),
				"src/lib/tables.ts":                 []byte("export const all = ['a', 'b'].map((n) => 'shop_' + n)\n"),
			}).Migrations[0]
			if diff := cmp.Diff(tc.want, adaptertest.DescribeProgram(m, tc.program)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
