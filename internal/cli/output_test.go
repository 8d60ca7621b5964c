package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestLinking(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, false},
		{map[string]string{"TERM": "xterm-256color"}, false},
		{map[string]string{"VTE_VERSION": "7600"}, true},
		{map[string]string{"VTE_VERSION": "4205"}, false},
		{map[string]string{"TERM_PROGRAM": "vscode"}, true},
		{map[string]string{"TERM_PROGRAM": "Apple_Terminal"}, false},
		{map[string]string{"TERM_PROGRAM": "vscode", "CI": "true"}, false},
		{map[string]string{"CI": "true", "FORCE_HYPERLINK": "1"}, true},
		{map[string]string{"KITTY_WINDOW_ID": "1", "FORCE_HYPERLINK": "0"}, false},
	} {
		if got := supportsLinks(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("supportsLinks with the environment %v = %t, want %t", c.env, got, c.want)
		}
	}
}

// A line on a terminal breaks between words, at each width, and loses none.
func TestWrapWords(t *testing.T) {
	t.Parallel()
	const line = "onward: 04-backfill  waits: a transaction of nightly_report_of_all_warehouses (process 4121) has been idle for 12 s and holds käse"
	for width := 10; width < 140; width++ {
		lines := wrapWords(line, width)
		var words []string
		for i, l := range lines {
			if len(strings.Fields(l)) > 1 && len([]rune(l)) > width {
				t.Errorf("%d columns: %q", width, l)
			}
			if i > 0 && !strings.HasPrefix(l, "  ") {
				t.Errorf("no indent: %q", l)
			}
			words = append(words, strings.Fields(l)...)
		}
		if !slices.Equal(words, strings.Fields(line)) {
			t.Errorf("%d columns: %q", width, lines)
		}
	}
	if got := wrapWords(line, 0); len(got) != 1 || got[0] != line {
		t.Errorf("without a terminal: %q", got)
	}
}

// Each line of a text is a line of the output, and none of them can pose as another message.
func TestPrintLines(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	(&app{err: &b}).printLines("a.sql:1: first\nb.sql:2: second\x1b[2J\n\nonward: third")
	if got := b.String(); got != "onward: a.sql:1: first\n  b.sql:2: second\\x1b[2J\n  \n  onward: third\n" {
		t.Errorf("printLines wrote %q, want each line after the first indented, and its control characters escaped", got)
	}
}
