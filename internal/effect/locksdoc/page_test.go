package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLocksDocUpToDate fails when docs/locks.md is not what the model says of
// the forms.
func TestLocksDocUpToDate(t *testing.T) {
	t.Parallel()
	want, err := buildPage("../prove/testdata")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../../docs/locks.md")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(got), "\n")); d != "" {
		t.Errorf("docs/locks.md is stale: go generate ./internal/effect\n%s", d)
	}
}

// TestPage holds what the page is for: every form is on it once for each group
// of versions, every heading is in the list, and nothing is unknown.
func TestPage(t *testing.T) {
	t.Parallel()
	text, err := buildPage("../prove/testdata")
	if err != nil {
		t.Fatal(err)
	}
	_, families, _ := strings.Cut(text, "\n## ")
	for _, line := range strings.Split("## "+families, "\n") {
		if strings.HasPrefix(line, "| `") && strings.Count(strings.ReplaceAll(line, `\|`, ""), "|") != 4 {
			t.Errorf("not three cells: %s", line)
		}
		if strings.Contains(line, "not known:") && !strings.Contains(line, "`DO ") && !strings.Contains(line, "`EXECUTE ") {
			t.Errorf("a form is not modelled: %s", line)
		}
		if h, ok := strings.CutPrefix(line, "## "); ok && h != "The schema" && !strings.Contains(text, "(#"+headingAnchor(h)+")") {
			t.Errorf("the heading %q is not in the list", h)
		}
	}
	for _, want := range []string{
		"| `ALTER TABLE account ADD COLUMN x text` | 13 to 19 | `account`: ACCESS EXCLUSIVE; **blocks reads and writes** |",
		"`account`: SHARE, index build, full scan; **blocks writes**",
		"| `ALTER TABLE users VALIDATE CONSTRAINT users_age` | SHARE UPDATE EXCLUSIVE | full scan | nobody |  |",
		"| `UPDATE orders SET total = 0` | ROW EXCLUSIVE | full scan | writers of the same rows | batches that commit |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	got, err := splitFamilies("a: X\n# --- one\nb: Y\n  setup: Z\n# --- two\n# --- three\nc: W\n", "first")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, f := range got {
		for _, form := range f.forms {
			words = append(words, f.title+"/"+form.ID)
		}
	}
	if d := cmp.Diff([]string{"first/a", "one/b", "three/c"}, words); d != "" {
		t.Errorf("families and forms (-want +got):\n%s", d)
	}
}
