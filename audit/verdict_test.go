package audit

import (
	"strings"
	"testing"

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
