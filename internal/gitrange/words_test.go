package gitrange

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.go":      "x := u.name\nnames name_x naïve\nname name\n",
		"skip/b.go": "name\n",
		"bin":       "name\x00\n",
		"long.json": strings.Repeat("x ", 5000) + "name" + strings.Repeat(" y", 5000),
		"bundle.js": strings.Repeat("x ", 5000) + "name" + strings.Repeat(" y", 5000),
		"dump.txt":  "--\n-- PostgreSQL database dump\n--\nCREATE TABLE name ();",
		"wide.sql":  strings.Repeat("e.a, ", 60) + "e.name, e.b",
		"big":       strings.Repeat("name\n", wordFile/5+1),
		"é.txt":     "full_name",
	} {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := DirTree(dir, []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	hits, err := Words(tree, []string{"name", "full_name", "na", ""}, func(p string) bool { return strings.HasPrefix(p, "skip/") })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range hits {
		if len([]rune(h.Text)) > HitTextRunes || !strings.Contains(h.Text, h.Word) {
			t.Errorf("text of %s:%d: %q", h.Path, h.Line, h.Text)
		}
		got = append(got, fmt.Sprintf("%s %s:%d:%d", h.Word, h.Path, h.Line, h.Column))
	}
	want := []string{"name a.go:1:8", "name a.go:3:1", "name long.json:1:10001", "name wide.sql:1:303", "full_name é.txt:1:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWordsAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 20 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d", i)), []byte(strings.Repeat("id\n", 1000)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := DirTree(dir, []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	hits, _ := Words(tree, []string{"id"}, func(string) bool { return false })
	if len(hits) != HitsPerWord {
		t.Errorf("%d hits", len(hits))
	}
	if h := hits[HitsPerFile]; h.Path != "01" || h.Line != 1 {
		t.Errorf("hit %d is at %s:%d: the first file has too many", HitsPerFile, h.Path, h.Line)
	}
}
