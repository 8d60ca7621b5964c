package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Draft returns the same result for a text as Changelog after it is saved.
func TestDraft(t *testing.T) {
	t.Parallel()
	base := "-- m/1_a.sql --\nCREATE TABLE t (id bigint PRIMARY KEY, v text);\n"
	bad, good := "CREATE INDEX i ON t (v);\n", "CREATE INDEX CONCURRENTLY i ON t (v);\n"
	dir := repository(t, base, "-- m/2_b.sql --\n"+bad)
	d, err := ReadDraft(t.Context(), Config{Dir: dir, Base: "main"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	judged := func(texts map[string]string) string {
		t.Helper()
		out, err := d.Judge(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(found(out.Report), "; ")
	}
	for _, step := range []struct {
		texts map[string]string
		want  string // what is found; "" for the same as of the files
	}{
		{nil, "index-create-blocking 2_b.sql:1"},
		{map[string]string{"m/2_b.sql": good}, "-"},
		{map[string]string{"m/2_b.sql": "\n\n" + bad}, "index-create-blocking 2_b.sql:3"},
		{map[string]string{"m/2_b.sql": good, "m/3_c.sql": "DROP TABLE t;\n"}, "table-drop 3_c.sql:1"},
		{map[string]string{"m/1_a.sql": "CREATE TABLE t (id int PRIMARY KEY, v text);\n"}, "release-migration-edited 1_a.sql:1"},
		{map[string]string{}, "index-create-blocking 2_b.sql:1"},
	} {
		got := judged(step.texts)
		if step.want == "-" && strings.Contains(got, "index-create-blocking") || step.want != "-" && !strings.Contains(got, step.want) {
			t.Errorf("%v: %s, want %s", step.texts, got, step.want)
		}
		if step.want == "-" {
			gittest.WriteFiles(t, dir, step.texts)
			r, err := Changelog(t.Context(), Config{Dir: dir, Base: "main"})
			if err != nil {
				t.Fatal(err)
			}
			if saved := strings.Join(found(r), "; "); saved != got {
				t.Errorf("drafted %s, saved %s", got, saved)
			}
			gittest.WriteFiles(t, dir, map[string]string{"m/2_b.sql": bad})
		}
	}
}

// A file of the application beside migrations is not held, if it is in a language that none of them is in.
func TestDraftHolds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, base, held, other string }{
		{"SQL", "-- migrations/1_a.sql --\nCREATE TABLE t (id bigint);\n", "migrations/2_b.sql", "migrations/seed.ts"},
		{
			"Knex", "-- knexfile.js --\nmodule.exports = { client: 'pg' }\n-- migrations/20240101000000_a.js --\n" +
				"exports.up = (knex) => knex.raw('SELECT 1')\nexports.down = () => {}\n", "migrations/20240102000000_b.js", "migrations/README.md",
		},
		{
			"Liquibase", "-- db.changelog-root.yaml --\ndatabaseChangeLog:\n  - changeSet:\n      id: 1\n      author: a\n      changes:\n" +
				"        - sql:\n            sql: SELECT 1\n", "changes/2.yaml", "src/app.ts",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := ReadDraft(t.Context(), Config{Dir: repository(t, c.base, c.base), Base: "main"})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if !d.Holds(c.held) || d.Holds(c.other) {
				t.Errorf("Holds(%q) is %t and Holds(%q) is %t, want true and false", c.held, d.Holds(c.held), c.other, d.Holds(c.other))
			}
		})
	}
}
