package lazyregexp

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestLazy(t *testing.T) {
	t.Parallel()
	r := New(`(\w)-(\d+)`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if m := r.FindStringSubmatch("x a-12"); len(m) != 3 || m[1] != "a" || m[2] != "12" {
				t.Errorf("FindStringSubmatch(\"x a-12\") = %q, want [\"a-12\" \"a\" \"12\"]", m)
			}
		})
	}
	all.Wait()
	if got := r.ReplaceAllString("a-12 b-3", "$2$1"); got != "12a 3b" || r.String() != `(\w)-(\d+)` {
		t.Errorf("ReplaceAllString = %q, want \"12a 3b\"; String() = %s", got, r)
	}
}

func TestWrongPattern(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a wrong pattern is not noticed")
		}
	}()
	New("(").MatchString("")
}

// TestWordsExclude holds that no text with a match is excluded: patterns and texts are made of the same pieces.
func TestWordsExclude(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"from", "for", "Kind", "desk", "(?i)", "(?i:", "(", "(?:", ")", "|", "?", "*", "+", "{2}", `\b`, `\s+`, ".", "[tT]", "[a-d]", `[^"]`, "^", "$",
		"(?m)", `"`, "x", "table", `\w*`, "\u017f", "\ufffd",
	}
	texts := []string{"from", "FOR", "for", "kind", "Kind", "DESK", "de\u017fk", "des\u212a", "t", "T", "a", "d", " ", "\n", "x", "table", "TABLE", `"`, "\xff", ""}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string, most int) string {
		var text strings.Builder
		for range 1 + random.IntN(most) {
			text.WriteString(from[random.IntN(len(from))])
		}
		return text.String()
	}
	patterns, excluded, matched := 0, 0, 0
	for patterns < 20_000 {
		pattern := pick(pieces, 9)
		plain, err := regexp.Compile(pattern)
		if err != nil {
			continue
		}
		patterns++
		filter := readFilter(pattern)
		for range 20 {
			text := pick(texts, 6)
			found := plain.MatchString(text)
			switch excludes := filter.excludes(text); {
			case excludes && found:
				t.Fatalf("%q matches %q, and its words %q (folded: %v) say that it does not", pattern, text, filter.words, filter.folded)
			case excludes:
				excluded++
			case found && len(filter.words) > 0:
				matched++
			}
		}
	}
	if excluded < 100_000 || matched < 4_000 {
		t.Errorf("the words excluded %d texts and left %d with a match, want 100,000 and 4,000", excluded, matched)
	}
	for pattern, want := range map[string]filter{
		`(?i)\bjoin\s+"?(\w+)|\breferences\b`: {[]string{"join", "references"}, true},
		`\bpg(?:x|Pool)\.(?:Query|Exec)\(`:    {[]string{"pgx.Query(", "pgx.Exec(", "pgPool.Query(", "pgPool.Exec("}, false},
		`^\s*CREATE\s+TABLE`:                  {},
		`(\w+)\s*=\s*"`:                       {},
	} {
		if got := readFilter(pattern); !slices.Equal(got.words, want.words) || got.folded != want.folded {
			t.Errorf("the words of %s are %q (folded: %v), want %q", pattern, got.words, got.folded, want.words)
		}
	}
}
