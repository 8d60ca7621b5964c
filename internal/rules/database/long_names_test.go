package database

import (
	"strings"
	"testing"
)

// A run is found at any position, and only from 64 bytes on.
func TestHasRun(t *testing.T) {
	t.Parallel()
	for _, n := range []int{62, 63, 64, 65, 130} {
		run := strings.Repeat("x", n)
		for before := range 70 {
			for _, text := range []string{
				strings.Repeat(" ", before) + run, strings.Repeat("a ", before) + run +
					", b", strings.Repeat("z", min(before, 60)) + "(" + run + ")" + strings.Repeat("y", 60),
			} {
				if got := mayHoldTooLongName(text); got != (n > limit) {
					t.Fatalf("hasRun(%q) = %v", text, got)
				}
			}
		}
	}
	for text, want := range map[string]bool{
		"": false, `"a b" "c"`: false, `"` + strings.Repeat("a ", 31) + `"`: false, `"` + strings.Repeat("a ", 32) + `"`: true,
		`"a b", "` + strings.Repeat("a ", 32) + `"`: true, `"` + strings.Repeat("a ", 16) + `""` + strings.Repeat("a ", 16) + `"`: true,
	} {
		if mayHoldTooLongName(text) != want {
			t.Errorf("hasRun(%q) = %v", text, !want)
		}
	}
}
