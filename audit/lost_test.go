package audit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// TestLost takes the content of a deployed migration out of the repository, and
// spoils it, as a disk or an interrupted fetch does: then there is no verdict,
// because the schema at the base is not known.
func TestLost(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"damaged": func(path string) error {
			if err := os.Chmod(path, 0o644); err != nil {
				return err
			}
			return os.WriteFile(path, []byte("junk"), 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "-- db/migrations/001_init.sql --\nCREATE TABLE users (id bigint PRIMARY KEY, name text);\n",
				"-- db/migrations/001_init.sql --\n-- db/migrations/001_all.sql --\nCREATE TABLE users (id bigint PRIMARY KEY, name text);\n"+
					"-- db/migrations/002_drop.sql --\nALTER TABLE users DROP COLUMN name;\n")
			cmd := exec.Command("git", "rev-parse", "main:db/migrations/001_init.sql")
			cmd.Dir = dir
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			id := strings.TrimSpace(string(out))
			// The other file must not be the same object.
			if err := os.WriteFile(filepath.Join(dir, "db/migrations/001_all.sql"), []byte("CREATE TABLE users (id bigint PRIMARY KEY, name text, v int);\n"),
				0o644); err != nil {
				t.Fatal(err)
			}
			if err := spoil(filepath.Join(dir, ".git/objects", id[:2], id[2:])); err != nil {
				t.Fatal(err)
			}
			r := changelog0(t, Config{Dir: dir, Base: "main"})
			if r.Summary.Safe || len(r.Opaque) != 1 || !r.Opaque[0].Failed || r.Opaque[0].Path != "db/migrations/001_init.sql" {
				t.Errorf("%q, and not judged: %+v", r.Summary.Verdict, r.Opaque)
			}
		})
	}
}

// TestUnreadSchema: unreadable statements of a dump are reported, and the rest is read;
// commands of psql that pg_dump writes do not belong to the schema.
func TestUnreadSchema(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	schema := filepath.Join(dir, "schema.sql")
	gittest.WriteFiles(t, dir, map[string]string{
		"schema.sql": "\\restrict abc\nCREATE TABLE users (id int, name text);\nREFRESH EVERYTHING users;\n\\unrestrict abc\n/* half\n", "1.sql": "ALTER TABLE users ALTER COLUMN name SET NOT NULL;",
	})
	r := check(t, CheckConfig{Dir: dir, Paths: []string{"1.sql"}, Deployed: Deployed{Schema: schema}})
	var got []string
	for _, o := range r.Opaque {
		got = append(got, fmt.Sprintf("%s:%d:%d %s %t", filepath.Base(o.Path), o.Line, o.Column, o.What, o.Failed))
	}
	if diff := cmp.Diff([]string{"schema.sql:3:9 REFRESH EVERYTHING users false", "schema.sql:5:1 /* half false"}, got); diff != "" {
		t.Error(diff)
	}
	if severityOf(r, "column-set-not-null-scan") != "error" {
		t.Errorf("the findings are %q, want an error of column-set-not-null-scan", found(r))
	}
}
