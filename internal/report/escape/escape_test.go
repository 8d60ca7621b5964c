package escape

import (
	"strings"
	"testing"
	"unicode"
)

// TestCommands: a name in a migration must not be a command for the CI service whose log
// contains the report.
func TestCommands(t *testing.T) {
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

func FuzzControls(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[31m\u202e\xff\u2028\U000e0041\r\nx\ty")
	f.Fuzz(func(t *testing.T, s string) {
		out := Controls(s)
		for _, c := range out {
			if c != '\n' && !unicode.IsPrint(c) {
				t.Errorf("%q: %q is left in %q", s, c, out)
			}
		}
		if reescaped := Controls(out); reescaped != out {
			t.Errorf("%q: %q is changed again, to %q", s, out, reescaped)
		}
		if line := Line(s); strings.ContainsAny(line, "\n\r") {
			t.Errorf("%q: more than one line: %q", s, line)
		}
	})
}
