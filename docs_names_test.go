package onward_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNamesInDocsExist holds that what the pages name in backquotes is there: each identifier, each path below a folder that only this
// repository has, and each path of a page for contributors. Other pages name the paths of their readers, too.
func TestNamesInDocsExist(t *testing.T) {
	t.Parallel()
	list, err := exec.CommandContext(t.Context(), "git", "ls-files").Output()
	if err != nil {
		t.Fatal(err)
	}
	paths, words := map[string]bool{}, map[string]bool{}
	for _, name := range strings.Fields(string(list)) {
		for path := name; ; path = path[:strings.LastIndexByte(path, '/')] {
			// A page may leave out the first folders.
			for rest, found := path, true; found; _, rest, found = strings.Cut(rest, "/") {
				paths[rest] = true
			}
			if !strings.Contains(path, "/") {
				break
			}
		}
		if !strings.HasSuffix(name, ".go") || name == "docs_names_test.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range identifier.FindAllString(string(text), -1) {
			words[word] = true
		}
	}
	pages, err := filepath.Glob("docs/*.md")
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range append(pages, "CONTRIBUTING.md", "README.md", "bench/README.md") {
		forContributors := page == "CONTRIBUTING.md" || page == "docs/architecture.md" || page == "docs/design.md"
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(notProse.ReplaceAllString(string(text), ""), "\n") {
			for _, match := range backquoted.FindAllStringSubmatch(line, -1) {
				name := strings.TrimSuffix(match[1], "()")
				switch first, _, nested := strings.Cut(name, "/"); {
				case strings.Contains(name, "NAME"):
				case nested && pathName.MatchString(name) && paths[first] && (forContributors || ownFolders[first]):
					if !paths[strings.TrimSuffix(name, "/")] {
						t.Errorf("%s: there is no %s (line %d without its blocks)", page, name, n+1)
					}
				case camelName.MatchString(name) && !otherPrograms[name]:
					if !words[name[strings.LastIndexByte(name, '.')+1:]] {
						t.Errorf("%s: no Go file has the word %s (line %d without its blocks)", page, name, n+1)
					}
				}
			}
		}
	}
}

// ownFolders are folders that readers' repositories do not have.
var ownFolders = map[string]bool{"internal": true, "cmd": true, "bench": true, "examples": true, "scripts": true, "deploy": true}

// otherPrograms are identifiers of other programs, which no Go file names.
var otherPrograms = map[string]bool{
	"PreparedStatementCacheExpired": true,                       // Rails
	"loadData":                      true, "customChange": true, // Liquibase
}

var (
	identifier = regexp.MustCompile(`[A-Za-z_]\w*`)
	backquoted = regexp.MustCompile("`([^`]+)`")
	pathName   = regexp.MustCompile(`^[\w./-]+$`)
	// camelName is an identifier of Go with a hump, or one of a package.
	camelName = regexp.MustCompile(`^(?:[a-z]+\.[A-Z]\w*|(?:[A-Za-z]+\.)?[A-Za-z]+[a-z][A-Z]\w*)$`)
)
