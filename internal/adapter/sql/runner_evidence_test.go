package sql

import (
	"context"
	"fmt"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

// Who runs a directory, and what tells it.
func TestTold(t *testing.T) {
	t.Parallel()
	const sql = "CREATE TABLE t (id int);\n"
	for name, tc := range map[string]struct {
		dir     string
		files   map[string]string
		options adapter.Options
		want    string
	}{
		"a file beside the migrations": {"prisma/migrations", map[string]string{
			"prisma/migrations/migration_lock.toml": "", "prisma/migrations/20240101_a/migration.sql": sql,
		}, adapter.Options{}, "Prisma by prisma/migrations/migration_lock.toml"},
		"a file above them": {
			"m",
			map[string]string{"diesel.toml": "", "m/2024-01-01-000000_a/up.sql": sql, "m/2024-01-01-000000_a/down.sql": sql},
			adapter.Options{}, "Diesel by diesel.toml",
		},
		"Supabase's configuration": {"supabase/migrations", map[string]string{
			"supabase/config.toml": "", "supabase/migrations/20240101000000_a.sql": sql,
		}, adapter.Options{}, "Supabase's CLI by supabase/config.toml"},
		"Drizzle's journal": {
			"drizzle", map[string]string{"drizzle/meta/_journal.json": `{"entries": []}`, "drizzle/0000_a.sql": sql},
			adapter.Options{}, "Drizzle by drizzle/meta/_journal.json",
		},
		"marks in the files":                {"m", map[string]string{"m/1_a.sql": "-- migrate:up\n" + sql}, adapter.Options{}, "dbmate by m/1_a.sql"},
		"marks of which nothing else tells": {"m", map[string]string{"m/1_a.sql": "-- rambler up\n" + sql}, adapter.Options{}, "rambler by m/1_a.sql"},
		"names of files":                    {"m", map[string]string{"m/V1__a.sql": sql}, adapter.Options{}, "Flyway by files named like V1__a.sql"},
		"a script with psql": {
			"m", map[string]string{"up.sh": "for f in m/*.sql; do psql -1 -f $f; done\n", "m/1_a.sql": sql}, adapter.Options{},
			"psql -1 by up.sh",
		},
		"a script with psql, statement by statement": {
			"m", map[string]string{"up.sh": "for f in m/*.sql; do psql -f $f; done\n", "m/1_a.sql": sql}, adapter.Options{},
			"psql by up.sh, assumed none",
		},
		"two scripts that differ": {"m", map[string]string{
			"up.sh": "for f in m/*.sql; do psql -f $f; done\n", "all.sh": "for f in m/*.sql; do psql -1 -f $f; done\n", "m/1_a.sql": sql,
		}, adapter.Options{}, " by , assumed none"},
		"a program": {"db/migrations", map[string]string{
			"scripts/migrate.mjs":   "const sql = await readFile(`db/migrations/${f}`, 'utf8');\nawait client.query(sql);\n",
			"db/migrations/1_a.sql": sql,
		}, adapter.Options{}, "scripts/migrate.mjs by scripts/migrate.mjs, assumed message"},
		"go-pg has bun's names": {
			"m", map[string]string{"go.mod": "require github.com/go-pg/migrations/v8 v8.1.0", "m/1_a.tx.up.sql": sql},
			adapter.Options{}, "go-pg by m/1_a.tx.up.sql",
		},
		"nothing":              {"m", map[string]string{"m/1_a.sql": sql}, adapter.Options{}, " by , assumed none"},
		"nothing but somebody": {"m", map[string]string{"m/1_a.sql": sql}, adapter.Options{Transaction: onward.TransactionFile}, " by "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := (Adapter{}).Load(context.Background(), adaptertest.Text(tc.files), adapter.Source{Framework: Name, Dir: tc.dir, Options: tc.options})
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s by %s", set.Evidence.Tool, set.Evidence.FoundIn)
			if set.Evidence.Assumed {
				got += fmt.Sprintf(", assumed %s", set.Evidence.Transaction)
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			for _, m := range set.Migrations {
				if m.Runner.Guessed != set.Evidence.Assumed {
					t.Errorf("%s: guessed: %v", m.ID, m.Runner.Guessed)
				}
			}
		})
	}
}
