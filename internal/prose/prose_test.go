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
			t.Errorf("%d: %s", n, got)
		}
	}
}
