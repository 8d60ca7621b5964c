package knex_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/onward"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Exercise(t, knex.Adapter, "testdata/shop")
}

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
			sources := knex.Adapter.Detect(tree)
			if len(sources) != 1 || sources[0].Foreign != tc.foreign {
				t.Fatalf("%+v", sources)
			}
			set, err := knex.Adapter.Load(t.Context(), adapter.Tree(tree), sources[0])
			if err != nil || len(set.Migrations) != 1 {
				t.Fatalf("%+v %v", set, err)
			}
			m := set.Migrations[0]
			if m.Source.Mode != tc.mode || set.Together != tc.together || m.Version != "20240101000000_a" || !strings.HasSuffix(m.ID, "_a.ts") {
				t.Errorf("mode %s, together %t, version %s", m.Source.Mode, set.Together, m.Version)
			}
		})
	}
}
