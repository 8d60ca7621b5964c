package mikroorm_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/mikroorm"
	"github.com/onward-sql/onward/onward"
)

// TestSettings: the configuration and the method of a migration decide on its transaction and on its database.
func TestSettings(t *testing.T) {
	t.Parallel()
	const transactional = "isTransactional(): boolean {\n    return false;\n  }"
	for _, tc := range []struct {
		name, config, method string
		mode                 onward.Transaction
		together             bool
		foreign              string
	}{
		{name: "default", mode: onward.TransactionFile, together: true},
		{name: "without a transaction", method: transactional, mode: onward.TransactionNone, together: true},
		{name: "each its own", config: "migrations: { allOrNothing: false }", mode: onward.TransactionFile},
		{name: "none", config: "migrations: { transactional: false }", mode: onward.TransactionNone},
		{name: "MySQL", config: "} from '@mikro-orm/mysql';", mode: onward.TransactionFile, together: true, foreign: "MySQL"},
		{
			name: "tests on SQLite", config: "} from '@mikro-orm/sqlite'; import {} from '@mikro-orm/postgresql'", mode: onward.TransactionFile,
			together: true,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Files{
				"src/mikro-orm.config.ts": []byte("import { Options } from '@mikro-orm/core';\n" + tc.config + "\n"),
				"src/migrations/Migration20240101000000.ts": []byte("import { Migration } from '@mikro-orm/migrations';\n" +
					"export class Migration20240101000000 extends Migration {\n  " + tc.method + "\n  async up() { this.addSql(`SELECT 1`) }\n}\n"),
			}
			set := adaptertest.LoadOnly(t, mikroorm.Adapter, tree)
			if len(set.Migrations) != 1 || set.Source.Foreign != tc.foreign {
				t.Fatalf("it reads %+v, want one migration, foreign %q", set, tc.foreign)
			}
			m := set.Migrations[0]
			if m.Source.Mode != tc.mode || set.Together != tc.together || m.ID != "Migration20240101000000" || len(m.Source.Parts) != 1 {
				t.Errorf("mode %s, together %t, %s, %v", m.Source.Mode, set.Together, m.ID, m.Source.Parts)
			}
		})
	}
}
