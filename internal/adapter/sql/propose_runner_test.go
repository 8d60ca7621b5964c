package sql

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

func TestProposeRunner(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		source adapter.Source
		files  map[string]string
		want   *config.Runner
	}{
		"Go embeds the directory": {
			adapter.Source{Dir: "internal/store/sql"},
			map[string]string{
				"internal/store/store.go": "//go:embed sql\nvar files embed.FS\n",
				"internal/store/run.go": "tx, err := db.BeginTx(ctx, nil)\n" +
					"const ddl = `CREATE TABLE IF NOT EXISTS app_migrations (\n  name text PRIMARY KEY,\n  at timestamptz\n)`\n",
				"internal/store/store_test.go":  "//go:embed sql\n",
				"internal/store/sql/1_a.up.sql": "-- no-transaction\nSELECT 1", "internal/store/sql/1_a.down.sql": "", "internal/store/sql/2_b.up.go": "package sql",
				"internal/store/sql/3_c.up.sql": "CREATE TABLE ${app_schema}.x ()",
			},
			&config.Runner{
				Name: "internal/store/store.go", Down: []string{"*.down.sql"}, Programs: []string{"*.up.go"}, NoTransactionMarker: "-- no-transaction",
				Transaction: onward.TransactionFile, Table: "app_migrations (name text PRIMARY KEY, at timestamptz)",
			},
		},
		"Python lists directories of versions": {
			adapter.Source{Dir: "app/schema/delta", Deep: true},
			map[string]string{
				"app/prepare.py": "for name in os.listdir(os.path.join(here, \"delta\", str(v))):\n" +
					"    text = open(name).read().replace('{{schema}}', schema)\n",
				"app/schema/delta/1/01_a.sql": "CREATE TABLE {{schema}}.x ()", "app/schema/delta/2/01_b.sql.postgres": "B", "app/schema/delta/2/02_c.py": "C",
			},
			&config.Runner{
				Name: "app/prepare.py", Files: []string{"**/*.sql", "**/*.sql.postgres"}, Programs: []string{"**/*.py"},
				Replace: map[string]string{"{{schema}}": "schema"},
			},
		},
		"JavaScript reads and sends": {
			adapter.Source{Dir: "db/migrations"},
			map[string]string{
				"scripts/migrate.ts": "const dir = 'db/migrations';\nfor (const f of fs.readdirSync(dir)) {\nconst sql = fs.readFileSync(path.join(dir, f), 'utf8');\n" +
					"await c.query('BEGIN');\nawait c.query(sql);\n}\nawait c.query(`create table if not exists \"schema_migrations\" (id ${type})`)",
				"db/migrations/1_a.sql": "A",
			},
			&config.Runner{Name: "scripts/migrate.ts", Transaction: onward.TransactionFile, Table: "schema_migrations"},
		},
		"a script with psql": {
			adapter.Source{Dir: "db/sql"},
			map[string]string{"bin/migrate": "for f in db/sql/*.sql; do psql -1 -f \"$f\"; done\n", "db/sql/1_a.sql": "A", "db/sql/2_b.sql": "B"},
			&config.Runner{Name: "bin/migrate", Transaction: onward.TransactionFile, PSQL: true},
		},
		"code that reads other files": {
			adapter.Source{Dir: "db/sql"},
			map[string]string{"db/seed.go": "os.ReadDir(\"seeds\")", "db/sql/1_a.sql": "A", "db/load.py": "# reads db/sql by hand"},
			nil,
		},
		"only tests read them": {
			adapter.Source{Dir: "db/sql"},
			map[string]string{"tests/db.js": "fs.readdirSync('db/sql')", "db/sql/1_a.sql": "A"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, ProposeRunner(adaptertest.Text(tc.files), tc.source)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Hostile repositories cost time that grows with their size only.
func TestProposeRunnerHostile(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	for name, files := range map[string]map[string]string{
		"tokens":  {"db/migrate.go": "//go:embed sql\n" + strings.Repeat("CREATE TABLE migrations (", size/25), "db/sql/1.sql": strings.Repeat("${a}{{b}}", size/9)},
		"markers": {"db/migrate.go": "//go:embed sql\n", "db/sql/1.sql": "--" + strings.Repeat(" no", size/3)},
		"quotes":  {"db/migrate.go": strings.Repeat("\"sql", size/4), "db/sql/1.sql": strings.Repeat("{{", size/2)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			ProposeRunner(adaptertest.Text(files), adapter.Source{Dir: "db/sql"})
			took := time.Since(started)
			t.Log(took)
			if took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}
