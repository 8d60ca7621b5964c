package typeorm_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/typeorm"
	"github.com/onward-sql/onward/onward"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Exercise(t, typeorm.Adapter, "testdata/shop")
}

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
			sources := typeorm.Adapter.Detect(tree)
			if len(sources) != 1 {
				t.Fatalf("%+v", sources)
			}
			set, err := typeorm.Adapter.Load(t.Context(), adapter.Tree(tree), sources[0])
			if err != nil || len(set.Migrations) != 1 {
				t.Fatalf("%+v %v", set, err)
			}
			m := set.Migrations[0]
			if m.Source.Mode != tc.mode || set.Together != tc.together || (len(m.Problems) > 0) != tc.refused || !strings.HasSuffix(m.Version, "1700000000000") {
				t.Errorf("mode %s, together %t, %v, version %s", m.Source.Mode, set.Together, m.Problems, m.Version)
			}
		})
	}
}
