package prose

import "testing"

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"index-drop", "index-dropp", 1}, {"kitten", "sitting", 3}, {"jsno", "json", 1}, {"yaml", "html", 2}} {
		if got := CountEdits(c.a, c.b); got != c.want {
			t.Errorf("CountEdits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// Only a name that is close is suggested: half of a short name may be another one.
func TestNearestName(t *testing.T) {
	t.Parallel()
	formats := []string{"terminal", "json", "html", "sarif", "gcc"}
	for name, want := range map[string]string{
		"yaml": "", "xml": "", "csv": "", "text": "", "jsno": "json",
		"htlm": "html", "hmtl": "html", "JSON": "json", "gc": "gcc", "serif": "sarif", "terminals": "terminal",
	} {
		if got := NearestName(name, formats); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
