package sqlx_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sqlx"
)

// sqlx' command-line program migrates for programs in any language: no crate need
// depend on it.
func TestFoundByCommand(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a pipeline runs it":    {map[string]string{".github/workflows/deploy.yml": "- run: sqlx migrate run\n"}, "migrations"},
		"the database's set-up": {map[string]string{"Makefile": "db:\n\tsqlx database setup\n"}, "migrations"},
		"another directory": {
			map[string]string{"Makefile": "db:\n\tsqlx migrate run --source db/migrations\n", "db/migrations/1_a.sql": "SELECT 1;\n"},
			"db/migrations",
		},
		"the upper one":        {map[string]string{"Makefile": "db:\n\tsqlx migrate run\n", "web/migrations/1_a.sql": "SELECT 1;\n"}, "migrations"},
		"a comment":            {map[string]string{"Makefile": "# sqlx migrate run\n"}, ""},
		"only its list":        {map[string]string{"Makefile": "db:\n\tsqlx migrate info\n"}, ""},
		"nobody":               {map[string]string{"Makefile": "db:\n\tpsql -f migrations/1_a.sql\n"}, ""},
		"goose's files":        {map[string]string{"Makefile": "db:\n\tsqlx migrate run\n", "migrations/1_a.sql": "-- +goose Up\nSELECT 1;\n"}, ""},
		"a crate without sqlx": {map[string]string{"Cargo.toml": "[dependencies]\ndiesel = \"2\"\n", "Justfile": "db:\n  sqlx mig run\n"}, "migrations"},
		"no directory like it": {map[string]string{"Makefile": "db:\n\tsqlx migrate run --source sql\n"}, ""},
	} {
		files := map[string]string{"migrations/1_a.sql": "CREATE TABLE t (id bigint);\n"}
		for p, text := range x.files {
			files[p] = text
		}
		got := ""
		for _, s := range sqlx.Adapter.Detect(adaptertest.Text(files)) {
			got += s.Dir
		}
		if got != x.want {
			t.Errorf("%s: found %q, want %q", name, got, x.want)
		}
	}
}
