package identifier

import (
	"strings"
	"testing"
)

// A run is found wherever it stands, and only from 64 bytes on.
func TestHasRun(t *testing.T) {
	t.Parallel()
	for _, n := range []int{62, 63, 64, 65, 130} {
		run := strings.Repeat("x", n)
		for before := range 70 {
			for _, text := range []string{
				strings.Repeat(" ", before) + run, strings.Repeat("a ", before) + run + ", b", strings.Repeat("z", min(before, 60)) + "(" + run + ")" + strings.Repeat("y", 60),
			} {
				if got := hasRun(text); got != (n > limit) {
					t.Fatalf("hasRun(%q) = %v", text, got)
				}
			}
		}
	}
	if !hasRun(`"a"`) || hasRun("") {
		t.Error("a quote, or nothing")
	}
}
