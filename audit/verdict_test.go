package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/onward"
)

// The verdict says whose code breaks.
func TestVerdictSaysWhoseCode(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"column-drop":                  "deployed code breaks at 1.sql:2",
		"release-column-left-required": "new code breaks at 1.sql:2",
	} {
		r := &onward.Report{Findings: []onward.Finding{{Rule: rule, Category: onward.Compatibility, Severity: onward.Error, Path: "1.sql", Line: 2}}}
		Conclude(r)
		if !strings.Contains(r.Summary.Verdict, ": "+want+".") {
			t.Errorf("%s: the verdict is %q, want %q in it", rule, r.Summary.Verdict, want)
		}
	}
}

// The verdict names no finding that the server does not get to, and counts it.
func TestVerdictNamesWhatIsReached(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{
		Dir: repository(t, "-- db/migrations/001_a.sql --\nCREATE TABLE t (id bigint PRIMARY KEY, a text, b text);\n-- db/migrations/002_a.sql --\nSELECT 1;\n"+
			"-- app.py --\ncur.execute(\"SELECT id, b FROM t\")\n",
			"-- db/migrations/003_b.sql --\nSET lock_timeout = '1s';\nALTER TABLE t ADD COLUMN a text;\nALTER TABLE t DROP COLUMN b;\n"),
		Base: "main",
	})
	if want := "This release is not safe to deploy: the migration fails at 003_b.sql:2."; r.Summary.Verdict != want || r.Summary.Errors != 2 {
		t.Errorf("%d errors: %s", r.Summary.Errors, r.Summary.Verdict)
	}
}

// Nobody waits for a statement that the server refuses.
func TestVerdictSaysThatTheMigrationFails(t *testing.T) {
	t.Parallel()
	stopping := 0
	for _, rule := range rules.All() {
		if !rule.Stops {
			continue
		}
		stopping++
		r := &onward.Report{Findings: []onward.Finding{{Rule: rule.ID, Category: onward.Locking, Severity: onward.Error, Path: "1.sql", Line: 2}}}
		Conclude(r)
		if !strings.HasSuffix(r.Summary.Verdict, ": the migration fails at 1.sql:2.") {
			t.Errorf("%s: the verdict is %q, want a migration that fails at 1.sql:2", rule.ID, r.Summary.Verdict)
		}
	}
	if stopping == 0 {
		t.Error("no rule stops a migration")
	}
}
