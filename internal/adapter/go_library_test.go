package adapter_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

// TestGoLibraries: the driver of a Go module tells the database of what the program runs, whichever library it uses.
func TestGoLibraries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"SQLite by the driver of the program that runs dbmate": {
			goProgram("github.com/amacneil/dbmate/v2", "github.com/mattn/go-sqlite3", "-- migrate:up\n"+table),
			[]string{"! app/migrations migrations for SQLite"},
		},
		"MySQL by the driver of the program that runs sql-migrate": {
			goProgram("github.com/rubenv/sql-migrate", "github.com/go-sql-driver/mysql", "-- +migrate Up\n"+table),
			[]string{"! app/migrations migrations for MySQL"},
		},
		"SQLite by the driver of the program that runs bun": {
			goProgram("github.com/uptrace/bun/migrate", "modernc.org/sqlite", table), []string{"! app/migrations migrations for SQLite"},
		},
		"MySQL by the driver of the program that runs Atlas": {
			goProgram("ariga.io/atlas-go-sdk/atlasexec", "github.com/go-sql-driver/mysql", table), []string{"! app/migrations migrations for MySQL"},
		},
		"SQLite by the driver of the program that runs maragu.dev/migrate": {
			goProgram("maragu.dev/migrate", "github.com/mattn/go-sqlite3", table), []string{"! app/migrations migrations for SQLite"},
		},
		"a program that runs tern": {
			goProgram("github.com/jackc/tern/v2/migrate", "github.com/jackc/pgx/v5", table), []string{"sql app/migrations"},
		},
		"a program that runs other migrations than these": {
			map[string]string{
				"go.mod":                      "module m\nrequire (\n\tgithub.com/pressly/goose/v3 v3.24.0\n\tmodernc.org/sqlite v1.34.0\n)\n",
				"main.go":                     "package main\nimport _ \"github.com/pressly/goose/v3\"\n//go:embed local/migrations\n",
				"java/db/migration/V1__a.sql": table, "java/db/migration/V2__b.sql": table,
			},
			[]string{"sql java/db/migration"},
		},
		"a driver of SQLite in a program that runs no migrations": {
			goProgram("github.com/spf13/cobra", "github.com/mattn/go-sqlite3", table), []string{"sql app/migrations"},
		},
		"SQL of Postgres in a program with a driver of SQLite": {
			goProgram("github.com/amacneil/dbmate/v2", "github.com/mattn/go-sqlite3", "-- migrate:up\nCREATE TABLE t (id bigserial, at timestamptz);"),
			[]string{"sql app/migrations"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sources, foreign := adapter.DetectSources(adaptertest.Text(tc.files), adapters)
			chosen, _ := adapter.ChooseSources(sources)
			var got []string
			for _, s := range chosen {
				got = append(got, s.Framework+" "+s.Dir)
			}
			for _, o := range foreign {
				got = append(got, "! "+o.Path+" "+o.What)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// goProgram has a directory of migrations, and a program beside it that imports a library and a driver.
func goProgram(library, driver, sql string) map[string]string {
	return map[string]string{
		"go.mod":                 "module m\nrequire (\n\t" + library + " v1.0.0\n\t" + driver + " v1.0.0\n)\n",
		"app/main.go":            "package main\nimport _ \"" + library + "\"\nimport _ \"" + driver + "\"\n//go:embed migrations\n",
		"app/migrations/1_a.sql": sql,
		"app/migrations/2_b.sql": sql,
	}
}
