package terminal

import (
	"slices"
	"testing"
)

// A line with several findings is named once, with their number.
func TestFormatLines(t *testing.T) {
	t.Parallel()
	for want, lines := range map[string][]int{
		"":                         nil,
		":3":                       {3},
		":3 (2 times) :7":          {3, 7, 3},
		":9 :1 (3 times) :2 :1000": {9, 1, 1, 2, 1, 1000},
	} {
		got := ""
		for i, text := range formatLines(slices.Clone(lines)) {
			if i > 0 {
				got += " "
			}
			got += text
		}
		if got != want {
			t.Errorf("%v: %q, want %q", lines, got, want)
		}
	}
}
