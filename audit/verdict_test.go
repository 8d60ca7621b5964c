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
			t.Errorf("%s: %s", rule, r.Summary.Verdict)
		}
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
			t.Errorf("%s: %s", rule.ID, r.Summary.Verdict)
		}
	}
	if stopping == 0 {
		t.Error("no rule stops a migration")
	}
}
