package prose

import (
	"slices"
	"strings"
	"testing"
)

func TestFirst(t *testing.T) {
	t.Parallel()
	letters := []string{"a", "b", "c", "d"}
	for _, c := range []struct {
		n, most      int
		names, lines string
	}{
		{0, 2, "", ""},
		{2, 2, "a, b", "a|b"},
		{3, 2, "a, b and 1 more", "a|b|and 1 more"},
		{4, 3, "a, b, c and 1 more", "a|b|c|and 1 more"},
		{4, 1, "a and 3 more", "a|and 3 more"},
	} {
		list := letters[:c.n]
		if got := FirstNames(list, c.most); got != c.names {
			t.Errorf("%d of %d: %q", c.most, c.n, got)
		}
		if got := strings.Join(FirstLines(list, c.most), "|"); got != c.lines {
			t.Errorf("%d of %d: %q", c.most, c.n, got)
		}
	}
	if !slices.Equal(letters, []string{"a", "b", "c", "d"}) {
		t.Errorf("the list was changed: %q", letters)
	}
}

func TestPickForm(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "were", 1: "was", 2: "were"} {
		if got := PickForm(n, "was", "were"); got != want {
			t.Errorf("PickForm(%d, was, were) = %q, want %q", n, got, want)
		}
	}
}

func TestFirstAndRest(t *testing.T) {
	t.Parallel()
	names := []string{"a", "b", "c", "d"}
	for most, want := range map[int]string{0: "4 more", 1: "a, 3 more", 3: "a, b, c, 1 more", 4: "a, b, c, d", 9: "a, b, c, d"} {
		if got := FirstAndRest(names, most); got != want {
			t.Errorf("FirstAndRest(%q, %d) = %q, want %q", names, most, got, want)
		}
	}
	if !slices.Equal(names, []string{"a", "b", "c", "d"}) {
		t.Errorf("the list was changed: %q", names)
	}
}

func TestJoinNames(t *testing.T) {
	t.Parallel()
	for want, names := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b, c, d and e": {"a", "b", "c", "d", "e"}} {
		if got := JoinNames(names); got != want {
			t.Errorf("JoinNames(%q) = %q, want %q", names, got, want)
		}
	}
}

func TestCountNoun(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		n          int
		noun, want string
	}{{0, "error", "0 errors"}, {1, "query", "1 query"}, {2, "recorded query", "2 recorded queries"}} {
		if got := CountNoun(c.n, c.noun); got != c.want {
			t.Errorf("CountNoun(%d, %q) = %q, want %q", c.n, c.noun, got, c.want)
		}
	}
}
