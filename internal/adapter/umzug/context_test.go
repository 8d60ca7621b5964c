package umzug

import (
	"slices"
	"testing"
)

// Commas in brackets, texts and comments do not split, and an apostrophe in a comment begins no text.
func TestSplitExpressions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"a, b(c, d), { e: [1, 2] } }, f": {"a", " b(c, d)", " { e: [1, 2] } "},
		"'x,)', `y,${z}`, w) v":          {"'x,)'", " `y,${z}`", " w"},
		"a, // it's (one, two\n b, c}":   {"a", " // it's (one, two\n b", " c"},
	} {
		if got := splitExpressions(text); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
