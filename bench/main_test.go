//go:build unix

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/internal/golden"
)

// README.md has the limits as the table says them.
func TestLimitsInReadme(t *testing.T) {
	t.Parallel()
	text := golden.ReadFile(t, "README.md")
	const first, last = "<!-- written by go test ./bench -update -->\n\n", "\n<!-- end of the limits -->"
	before, rest, begins := strings.Cut(text, first)
	_, after, ends := strings.Cut(rest, last)
	if !begins || !ends {
		t.Fatal("README.md has no place for the limits")
	}
	golden.CompareFile(t, "README.md", before+first+formatLimits()+last+after)
}

// Each limit has one name, says what it bounds, and is checked by a benchmark. Each figure that is checked has a limit.
func TestLimitsAreChecked(t *testing.T) {
	t.Parallel()
	var code strings.Builder
	for _, pattern := range []string{"*.go", "compare/*.go", "growth/*.go", "stalls/*.go", "fleet/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				code.WriteString(golden.ReadFile(t, file))
			}
		}
	}
	// These names are put together.
	code.WriteString(`"changelog/cold" "changelog/warm" "lsp/2000" "lsp/10000"`)
	seen := map[string]bool{}
	for _, l := range table.Limits {
		name, _, isShape := strings.Cut(l.Name, " ")
		if seen[l.Name] || l.Bounds == "" || l.Unit == "" {
			t.Errorf("%+v is there twice, or lacks what it bounds", l)
		}
		if seen[l.Name] = true; !isShape && !strings.Contains(code.String(), `"`+name+`"`) {
			t.Errorf("no benchmark checks %s", name)
		}
	}
	for _, call := range []string{`.Check("`, `FindLimit("`, `printPair(b, "`, `measureTriggers(b, "`} {
		for _, rest := range strings.Split(code.String(), call)[1:] {
			if name, _, _ := strings.Cut(rest, `"`); !seen[name] && !strings.HasSuffix(name, "/") {
				t.Errorf("%s has no limit", name)
			}
		}
	}
}

func TestChooseCases(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		names []string
		clone bool
		want  string
	}{
		{nil, false, "compare growth rehearse wire verify plan capture adapters lsp hook"},
		{nil, true, "changelog"},
		{[]string{"hook", "stalls"}, true, "hook stalls"},
		{[]string{"hock"}, false, ""},
	} {
		chosen, ok := chooseCases(test.names, test.clone)
		var names []string
		for _, c := range chosen {
			names = append(names, c.name)
		}
		if got := strings.Join(names, " "); got != test.want || ok != (test.want != "") {
			t.Errorf("%v: %q, want %q", test.names, got, test.want)
		}
	}
}
