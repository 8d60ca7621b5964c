package audit_test

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// An edit that is not on disk is judged as if it were: a new file, the first file of a new directory, a changed one and
// a deleted one.
func TestEdits(t *testing.T) {
	t.Parallel()
	const first = "CREATE TABLE t (id bigint PRIMARY KEY, v text);\n"
	dir := gittest.Commits(t, map[string]string{"migrations/0001_a.sql": first, "migrations/0002_b.sql": "SELECT 1;\n"})
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		edits audit.Edits
		path  string
		want  string // the rule; "" for none
	}{
		"new":      {audit.Edits{"migrations/0003_c.sql": text("CREATE INDEX i ON t (v);\n")}, "migrations/0003_c.sql", "index-create-blocking"},
		"harmless": {audit.Edits{"migrations/0003_c.sql": text("CREATE TABLE w (id bigint PRIMARY KEY);\n")}, "migrations/0003_c.sql", ""},
		"edited":   {audit.Edits{"migrations/0002_b.sql": text("SELECT 2;\n")}, "migrations/0002_b.sql", "release-migration-edited"},
		"first of a directory": {
			audit.Edits{"billing/migrations/0001_a.sql": text("CREATE INDEX i ON other (v);\n")}, "billing/migrations/0001_a.sql", "index-create-blocking",
		},
		"deleted": {audit.Edits{"migrations/0001_a.sql": nil}, "migrations/0001_a.sql", "release-migration-deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := audit.Read(t.Context(), audit.Config{Dir: dir, Still: true, Edits: c.edits})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if !r.Holds(c.path) {
				t.Errorf("%s is no migration", c.path)
			}
			report, err := r.Audit()
			if err != nil {
				t.Fatal(err)
			}
			var rules []string
			for _, f := range report.Findings {
				rules = append(rules, f.Rule)
			}
			if c.want == "" && len(rules) > 0 || c.want != "" && !slices.Contains(rules, c.want) {
				t.Errorf("%q, not %s", rules, c.want)
			}
		})
	}
}
