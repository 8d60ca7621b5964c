package cli

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/report"
)

// Whatever name a report prints, explain knows it: those that onward.yaml may name are all that there are.
func TestExplainKnowsAllNames(t *testing.T) {
	t.Parallel()
	names := audit.Names().Rules
	if len(names) < 100 {
		t.Fatalf("%d names", len(names))
	}
	for _, name := range names {
		p, err := rulePage(name)
		if err != nil {
			t.Errorf("rulePage(%q): %v", name, err)
			continue
		}
		text := formatExplanation(p, report.Options{})
		if p.Rule.ID != name || !strings.Contains(text, name) || !strings.Contains(text, "what happens") {
			t.Errorf("%s: another page:\n%s", name, text)
		}
		if comment := strings.Contains(text, "-- onward:ignore "+name); comment && strings.HasPrefix(name, "suppression-") {
			t.Errorf("%s: no comment suppresses it:\n%s", name, text)
		}
	}
}
