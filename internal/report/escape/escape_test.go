package escape

import (
	"testing"
)

// TestTame: a name in a migration must not be a command for the CI service whose log
// contains the report.
func TestTame(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"  ::set-output name=a::b": `  \::set-output name=a::b`, "::error::x": `\::error::x`, "##[error]x": `##\[error]x`, "a ###[x] ##vso[y]##teamcity[z": `a ###\[x] ##vso\[y]##teamcity\[z`,
		"\x1b[1m::error::x": "\x1b[1m\\::error::x", "a\n::error file=x::\n": "a\n\\::error file=x::\n", "# [a]": "# [a]", "##\\[a]": "##\\[a]",
		"  ::text": "  ::text", "a ::error::x": "a ::error::x", "## x": "## x", "": "",
	} {
		if got := Commands(line); got != want {
			t.Errorf("%q became %q, not %q", line, got, want)
		}
	}
}
