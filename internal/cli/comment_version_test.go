package cli

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report/markdown"
)

// TestSigned goes through the versions that write one comment, one after the other.
func TestSigned(t *testing.T) {
	t.Parallel()
	const text = markdown.Marker + "\n**onward**: safe\n"
	comment := ""
	for i, c := range []struct{ version, newer, line string }{
		{"development", "", ""},
		{"v1.9.0", "", "<!-- onward version=1.9.0 newest=1.9.0 -->"},
		{"1.10.0", "", "<!-- onward version=1.10.0 newest=1.10.0 -->"},
		{"1.9.0", "1.10.0", "<!-- onward version=1.9.0 newest=1.10.0 -->"},
		{"1.9.0", "1.10.0", "<!-- onward version=1.9.0 newest=1.10.0 -->"},
		{"development", "1.10.0", "<!-- onward version=development newest=1.10.0 -->"},
		{"v1.10.0", "", "<!-- onward version=1.10.0 newest=1.10.0 -->"},
	} {
		before := comment
		var newer string
		comment, newer = addVersion(text, comment, c.version)
		if newer != c.newer {
			t.Errorf("%d, %s: newer is %q, want %q", i, c.version, newer, c.newer)
		}
		if !strings.HasPrefix(comment, markdown.Marker+"\n"+c.line) || !strings.HasSuffix(comment, "\n**onward**: safe\n") {
			t.Errorf("%d, %s: the comment is %q, want the marker, then %q, then the text", i, c.version, comment, c.line)
		}
		if hasNote := strings.Contains(comment, "> onward 1.10.0 wrote this comment before. This is the report of "+
			strings.TrimPrefix(c.version, "v")); hasNote != (c.newer != "") {
			t.Errorf("%d, %s: said %v: %s", i, c.version, hasNote, comment)
		}
		if i == 4 && comment != before {
			t.Errorf("the second run of a version changed the comment:\n%s\n%s", before, comment)
		}
	}
	// Text that somebody wrote into the comment is no version.
	for _, before := range []string{
		"<!-- onward version=1 newest=x -->", "> <!-- onward version=9.0.0 newest=9.0.0 -->",
		"<!-- onward version=1.0.0 newest=99999999999999999999.0.0 -->",
	} {
		if _, newer := addVersion(text, before, "1.0.0"); newer != "" {
			t.Errorf("%s is taken for version %s", before, newer)
		}
	}
}
