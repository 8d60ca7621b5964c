package apply_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// history is three migrations, of which the second has steps outside of a transaction.
var history = map[string]string{
	"db/00001_a.sql": "-- +goose Up\nCREATE TABLE orders (id bigint PRIMARY KEY, note text);\n",
	"db/00002_b.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nSET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY orders_note_idx ON orders (note);\n" +
		"ALTER TABLE orders ADD COLUMN amount int;\n",
	"db/00003_c.sql": "-- +goose Up\nALTER TABLE orders ADD COLUMN paid boolean NOT NULL DEFAULT false;\nSET LOCAL search_path = pg_catalog;\n-- +goose Down\n" +
		"ALTER TABLE orders DROP COLUMN paid;\n",
}

const versions = "SELECT version_id || ' ' || is_applied FROM goose_db_version ORDER BY id"

// repository is a git repository with files.
func repository(t testing.TB, files map[string]string) string {
	t.Helper()
	return gittest.Commits(t, files, map[string]string{"README": "x"})
}

func pendingOf(dir, db, to string) apply.PendingConfig {
	return apply.PendingConfig{Config: apply.Config{DB: db, To: to}, Repository: audit.Config{Dir: dir, Base: "main"}}
}

func change(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Pending migrations run up to --to, then to the end, and once more: each is recorded once, with the
// tool's first row. One that was reverted by hand runs again.
func TestPending(t *testing.T) {
	t.Parallel()
	dir, db := repository(t, history), pgservertest.Database(t, onward.NewestMajor)
	if r, err := apply.Pending(t.Context(), pendingOf(dir, db, "2")); err != nil || r.State != onward.ApplyDone || len(r.Steps) != 3 {
		t.Fatalf("apply.Pending up to 2 = %+v, %v, want it done with 3 steps", r, err)
	}
	if diff := cmp.Diff([]string{"0 true", "1 true", "2 true"}, content(t, db, versions)); diff != "" {
		t.Fatal(diff)
	}
	for range 2 {
		if r, err := apply.Pending(t.Context(), pendingOf(dir, db, "")); err != nil || r.State != onward.ApplyDone {
			t.Fatalf("apply.Pending to the end = %+v, %v, want it done", r, err)
		}
	}
	if diff := cmp.Diff([]string{"0 true", "1 true", "2 true", "3 true"}, content(t, db, versions)); diff != "" {
		t.Fatal(diff)
	}
	run(t, db, "ALTER TABLE orders DROP COLUMN paid", "DELETE FROM goose_db_version WHERE version_id = 3")
	if r, err := apply.Pending(t.Context(), pendingOf(dir, db, "")); err != nil || len(r.Steps) != 1 {
		t.Fatalf("apply.Pending after a revert = %+v, %v, want 1 step", r, err)
	}
	run(t, db, "INSERT INTO orders (id, paid) VALUES (1, true)")
	change(t, dir, "db/00003_c.sql", history["db/00003_c.sql"]+"SELECT 1;\n")
	change(t, dir, "db/00002_b.sql", history["db/00002_b.sql"]+"SELECT 1;\n")
	change(t, dir, "db/00003_c.sql", history["db/00003_c.sql"])
	refused := new(apply.RefusedError)
	if _, err := apply.Pending(t.Context(), pendingOf(dir, db, "")); !errors.As(err, &refused) || refused.Step != "00002_b" ||
		!strings.Contains(refused.Text, "changed since it was applied") {
		t.Errorf("an edited migration: %v", err)
	}
}

// A migration that failed after its first step is continued: finished steps are not repeated.
func TestPendingHalfDone(t *testing.T) {
	t.Parallel()
	dir, db := repository(t, map[string]string{
		"db/00001_a.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (id int);\nSELECT 1 / (SELECT count(*) FROM elsewhere);\n" +
			"CREATE TABLE b (id int);\n",
	}), pgservertest.Database(t, onward.NewestMajor)
	c := pendingOf(dir, db, "")
	c.AcceptFindings = true
	run(t, db, "CREATE TABLE elsewhere (id int)")
	unfinished := new(apply.UnfinishedError)
	if r, err := apply.Pending(t.Context(), c); !errors.As(err, &unfinished) || unfinished.Step != "00001_a/2" || r == nil || r.State == onward.ApplyDone {
		t.Fatalf("apply.Pending with a failing statement = %+v, %v, want 00001_a/2 unfinished", r, err)
	}
	if versionTable := content(t, db, "SELECT coalesce(to_regclass('goose_db_version')::text, 'none')"); versionTable[0] != "none" {
		t.Error("half of it is noted as applied")
	}
	run(t, db, "INSERT INTO elsewhere VALUES (1)")
	if r, err := apply.Pending(t.Context(), c); err != nil || r.State != onward.ApplyDone {
		t.Fatalf("apply.Pending after the repair = %+v, %v, want it done", r, err)
	}
	if diff := cmp.Diff([]string{"0 true", "1 true"}, content(t, db, versions)); diff != "" {
		t.Error(diff)
	}
	run(t, db, "SELECT FROM a, b")
}

// A migration that must not run is refused by name, before anything is changed.
func TestPendingRefuses(t *testing.T) {
	t.Parallel()
	const up = "-- +goose Up\n"
	first := map[string]string{"db/00001_a.sql": up + "CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n"}
	withFile := func(name, text string) map[string]string {
		return map[string]string{"db/00001_a.sql": first["db/00001_a.sql"], name: text}
	}
	for name, tc := range map[string]struct {
		files          map[string]string
		prepare, want  string
		accept, passes bool
	}{
		"a program": {
			files: withFile("db/00002_b.go", "package m\n\nimport \"github.com/pressly/goose/v3\"\n\nfunc init() { goose.AddMigrationContext(up, down) }\n"),
			want:  "00002_b: db/00002_b.go is more than SQL",
		},
		"a finding":          {files: withFile("db/00002_b.sql", up+"ALTER TABLE gone ADD COLUMN x int;\n"), want: "--accept-findings"},
		"a transaction ends": {files: withFile("db/00002_b.sql", up+"COMMIT;\nSELECT 1;\n"), accept: true, want: "do not end as they begin"},
		"late": {
			files:   withFile("db/00003_b.sql", up+"SELECT 1;\n"),
			prepare: "INSERT INTO goose_db_version (version_id, is_applied) VALUES (3, true)",
			want:    "00001_a: it sorts before 00003_b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, db := repository(t, tc.files), pgservertest.Database(t, onward.NewestMajor)
			if tc.prepare != "" {
				run(t, db, "CREATE TABLE goose_db_version (id int GENERATED BY DEFAULT AS IDENTITY, version_id bigint, is_applied boolean, "+
					"tstamp timestamp DEFAULT now())", tc.prepare)
			}
			c := pendingOf(dir, db, "")
			c.AcceptFindings = tc.accept
			refused := new(apply.RefusedError)
			if _, err := apply.Pending(t.Context(), c); !errors.As(err, &refused) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if relation := content(t, db, "SELECT coalesce(to_regclass('orders')::text, 'none')"); relation[0] != "none" {
				t.Error("something was applied")
			}
		})
	}
}
