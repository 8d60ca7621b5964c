package onward_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each promise of SECURITY.md names a test, and each test that it or docs/security.md names is there.
func TestPromises(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	details, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	dirs := listTests(t)
	list := regexp.MustCompile("((?:`(?:Test|Fuzz)\\w+`[ ,\n|]*(?:and[ \n]+)?)+)(?:in[ \n]+`([a-z/]+)`)?")
	name := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	count := 0
	for _, m := range list.FindAllStringSubmatch(string(text)+string(details), -1) {
		for _, n := range name.FindAllStringSubmatch(m[1], -1) {
			count++
			switch in := dirs[n[1]]; {
			case in == nil:
				t.Errorf("there is no test %s", n[1])
			case m[2] != "" && !in[m[2]]:
				t.Errorf("there is no test %s in %s", n[1], m[2])
			}
		}
	}
	if count < 80 {
		t.Errorf("SECURITY.md and docs/security.md name %d tests", count)
	}
	_, promises, _ := strings.Cut(string(text), "\n## What is promised\n")
	promises, _, found := strings.Cut(promises, "\nThese are faults.")
	if !found {
		t.Fatal("the promises have another end")
	}
	for _, promise := range strings.Split(promises, "\n- ")[1:] {
		if !name.MatchString(promise) {
			t.Errorf("a promise without a test: %s", promise)
		}
	}
}

// listTests returns the directories of each test and fuzz target.
func listTests(t *testing.T) map[string]map[string]bool {
	t.Helper()
	declaration := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	out := map[string]map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
			return err
		}
		text, err := os.ReadFile(file)
		for _, m := range declaration.FindAllStringSubmatch(string(text), -1) {
			if out[m[1]] == nil {
				out[m[1]] = map[string]bool{}
			}
			out[m[1]][filepath.ToSlash(filepath.Dir(file))] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
