package mikroorm_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/mikroorm"
)

// TestRuns: what the text of a program does not say is asked of a run of it.
func TestRuns(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	const begin = "import { Migration } from '@mikro-orm/migrations'\n"
	const class = "export class Migration20240101000000 extends Migration {\n"
	for name, tc := range map[string]struct{ program, want string }{
		"a loop over names of another file": {
			begin + "import { all } from '../lib/tables'\n" + class + "override async up(): Promise<void> {\nfor (const n of all) this.addSql(`DROP TABLE ${n}`)\n} }",
			"5 DROP TABLE shop_a\n5 DROP TABLE shop_b",
		},
		"a field and a method of the class": {
			begin + class + "private readonly tables = ['a']\nasync up() { this.drop('b') }\n" +
				"private drop(...more: string[]) { for (const n of [...this.tables, ...more]) this.addSql('DROP TABLE ' + n) }\n}",
			"5 DROP TABLE a\n5 DROP TABLE b",
		},
		"a class of the project between": {
			begin + "import { Base } from '../lib/tables'\nclass Other extends Base {}\nclass M1 extends Migration {}\nexport class Migration2 extends Base {\n" +
				"async up() { this.rename('a', 'b') }\n}",
			"6 ALTER TABLE a RENAME TO b",
		},
		"CommonJS": {
			"const { Migration } = require('@mikro-orm/migrations')\nexports.Migration1 = class Migration1 extends Migration {\nasync up() {\n" +
				"['a', 'b'].map((n) => this.addSql('DROP TABLE ' + n))\n}\n}",
			"4 DROP TABLE a\n4 DROP TABLE b",
		},
		"a package that gives the class on": {
			"import { Migration } from '@medusajs/framework/mikro-orm/migrations'\n" + class + "async up() { for (const n of ['a']) this.addSql('DROP TABLE ' + n) }\n}",
			"3 DROP TABLE a",
		},
		"a class of a package that nobody knows": {
			"import { Migration } from 'shop-tools' // mikro-orm\n" + class + "async up() { for (const n of ['a']) this.addSql('DROP TABLE ' + n) }\n}",
			"3 DROP TABLE a",
		},
		"what it runs by itself": {
			begin + class + "async up() {\nconst rows = await this.execute('SELECT 1')\nfor (const r of rows) this.addSql(`DROP TABLE ${r.n}`)\n" +
				"for (const n of ['a']) this.addSql('DROP TABLE ' + n)\n} }",
			"6 DROP TABLE a\n4 call of this.execute: its SQL is known only when it runs\n5 call of this.addSql: its text is put together when it runs",
		},
		"a condition on the environment": {
			begin + class + "async up() {\nif (process.env.SHOP) for (const n of ['a']) this.addSql('DROP TABLE ' + n)\n} }",
			"4 DROP TABLE a sometimes",
		},
		"an error": {
			begin + class + "async up() {\nfor (const n of ['a']) this.addSql('DROP TABLE ' + n)\nthrow new Error('not today')\n} }",
			"4 DROP TABLE a\n4 call of up: it ends with an error: not today",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := adaptertest.LoadOnly(t, mikroorm.Adapter, adaptertest.Files{
				"src/migrations/Migration20240101000000.ts": []byte(tc.program),
				"src/lib/tables.ts": []byte("import { Migration } from '@mikro-orm/migrations'\nexport const all = ['a', 'b'].map((n) => 'shop_' + n)\n" +
					"export abstract class Base extends Migration {\nprotected rename(a: string, b: string) { this.addSql(`ALTER TABLE ${a} RENAME TO ${b}`) }\n}\n"),
			}).Migrations[0]
			if diff := cmp.Diff(tc.want, adaptertest.DescribeProgram(m, tc.program)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
