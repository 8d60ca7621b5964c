package realrunners

import (
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sqlx"
)

// sqlxURL has the socket's directory where sqlx looks for it: as the host.
func sqlxURL(t *testing.T, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if q.Get("host") == "" {
		return dsn
	}
	return "postgres://" + u.User.String() + "@" + url.QueryEscape(q.Get("host")) + ":" + q.Get("port") + u.Path
}

// sqlxProgram is the command-line program of sqlx.
func sqlxProgram(t *testing.T) string {
	t.Helper()
	return filepath.Join(installed(t, "rust"), "bin", "sqlx")
}

// sqlx on a server, where its command-line program is installed: what the
// adapter's documentation says of transactions, messages, names and checksums.
func TestSqlxOnServer(t *testing.T) {
	t.Parallel()
	program := sqlxProgram(t)
	s := server(t)
	const index = "CREATE INDEX CONCURRENTLY ON pg_temp_t (id);\n"
	for name, tc := range map[string]struct {
		first, second map[string]string // the second run's files are added
		want          string            // in the error of the last run; "" for none
		refused       bool              // the adapter has something against it
	}{
		"one transaction":        {first: map[string]string{"1_a.sql": "CREATE TABLE gone (id int);\nSELECT 1/0;\n"}, want: "division by zero"},
		"concurrently":           {first: map[string]string{"2_b.sql": index}, want: "cannot run inside a transaction block"},
		"marker":                 {first: map[string]string{"2_b.sql": "-- no-transaction\n" + index}},
		"marker, two statements": {first: map[string]string{"2_b.sql": "-- no-transaction\nSET lock_timeout = '1s';\n" + index}, want: "cannot"},
		"marker in line 2":       {first: map[string]string{"2_b.sql": "-- x\n-- no-transaction\n" + index}, want: "cannot", refused: true},
		"marker in capitals":     {first: map[string]string{"2_b.sql": "-- NO-TRANSACTION\n" + index}, want: "cannot", refused: true},
		"byte order mark":        {first: map[string]string{"2_b.sql": "\ufeffSELECT 1;\n"}, want: "syntax error", refused: true},
		"no number":              {first: map[string]string{"init_b.sql": "SELECT 1;\n"}, want: "error parsing migration filename", refused: true},
		"no underscore":          {first: map[string]string{"2-b.sql": "SELECT 1/0;\n"}, refused: true},
		"down migration":         {first: map[string]string{"2_b.up.sql": "SELECT 1;\n", "2_b.down.sql": "SELECT 1/0;\n"}},
		"edited, a comment only": {
			first:  map[string]string{"2_b.sql": "SELECT 1;\n"},
			second: map[string]string{"2_b.sql": "SELECT 1; -- one\n"},
			want:   "has been modified",
		},
		"runs what is out of order": {
			first:  map[string]string{"3_c.sql": "SELECT 1;\n"},
			second: map[string]string{"2_b.sql": "SELECT 1/0;\n"},
			want:   "division by zero",
		},
		"duplicate": {first: map[string]string{"2_b.sql": "SELECT 1;\n", "02_c.sql": "SELECT 2;\n"}, want: "duplicate key", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			db, conn := database(t, s)
			if _, err := conn.Exec(ctx, "CREATE TABLE pg_temp_t (id int)"); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			var out []byte
			var last error
			for _, files := range []map[string]string{tc.first, tc.second} {
				if files == nil {
					continue
				}
				for n, text := range files {
					if err := os.WriteFile(filepath.Join(dir, n), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				out, last = exec.CommandContext(ctx, program, "migrate", "run", "--source", dir, "--database-url", sqlxURL(t, s.URL(db))).CombinedOutput()
				if exit := new(exec.ExitError); last != nil && !errors.As(last, &exit) {
					t.Fatalf("start sqlx: %v", last)
				}
			}
			if (last != nil) != (tc.want != "") || !strings.Contains(string(out), tc.want) {
				t.Errorf("sqlx: %v, want %q\n%s", last, tc.want, out)
			}
			var gone bool
			if err := conn.QueryRow(ctx, "SELECT to_regclass('gone') IS NULL").Scan(&gone); err != nil || !gone {
				t.Errorf("the file was no transaction: %v", err)
			}
			set, err := sqlx.Adapter.Load(ctx, adaptertest.Disk(t, dir), adapter.Source{Framework: sqlx.Name})
			if err != nil {
				t.Fatal(err)
			}
			refused := len(set.Problems)+len(set.History) > 0
			for _, m := range set.Migrations {
				refused = refused || len(m.Problems) > 0
			}
			if refused != tc.refused {
				t.Errorf("the adapter: %s", adaptertest.Describe(set))
			}
		})
	}
}
