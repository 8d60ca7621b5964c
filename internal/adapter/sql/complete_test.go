package sql

import (
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
)

// Every runner has a name and a way to recognise it; a runner of whole directories also
// says what it records. So a new runner needs only its file and a line in the list:
// nothing else names any of them.
func TestRunnersAreComplete(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, r := range tools {
		if r.name == "" || names[r.name] {
			t.Errorf("the name %q is empty or taken", r.name)
		}
		names[r.name] = true
		directory := r.detectNearby != nil || r.detectInside != nil
		if !directory && r.marks == nil && r.owns == nil {
			t.Errorf("%s: nothing tells it", r.name)
		}
		if directory && (r.historyBehavior == adapter.HistoryBehavior{} || r.historyBehavior.Edited == "" || len(r.historyTables) == 0) {
			t.Errorf("%s: what it makes of a changed history, or where it keeps what has run, is missing", r.name)
		}
		if r.marks != nil && (r.marks.down == nil || r.marks.mode == "" || len(r.marks.words) == 0) {
			t.Errorf("%s: its marks are not complete", r.name)
		}
		if (r.locations == nil) != (r.runs == nil) {
			t.Errorf("%s: locations and runs go together", r.name)
		}
		for _, b := range r.historyTables {
			if b.Table == "" {
				t.Errorf("%s: a table without a name", r.name)
			}
		}
	}
	for _, r := range hands {
		if r.detectNearby == nil {
			t.Errorf("%q: nothing tells it", r.name)
		}
	}
}

// All facts about a runner are in the files with its name.
func TestRunnerHasItsFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f, "_test.go") {
			text[f] = string(b)
		}
	}
	shared := map[string]string{
		"runner.go":         "the list",
		"names.go":          "the list of schemes of names",
		"refinery.go":       "its files have Flyway's names",
		"prisma_version.go": "a lock file of a program of the same name as a runner",
	}
	value := regexp.MustCompile(`(?m)^var (\w+) = runner\{`)
	found := 0
	for home, t1 := range text {
		m := value.FindStringSubmatch(t1)
		if m == nil {
			continue
		}
		found++
		word := strings.ToLower(m[1])
		for f, code := range text {
			if strings.HasPrefix(f, strings.TrimSuffix(home, ".go")) || shared[f] != "" {
				continue
			}
			if mention := mentioned(code, word); mention != "" {
				t.Errorf("%s: %q is about %s, whose file is %s", f, mention, m[1], home)
			}
		}
	}
	if found < len(tools) {
		t.Errorf("%d files with a runner for %d", found, len(tools))
	}
}

// mentioned is the first name or literal of a program that has a word in it.
func mentioned(code, word string) string {
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", fset.Base(), len(code)), []byte(code), nil, 0)
	for {
		_, tok, lit := s.Scan()
		if tok == token.EOF {
			return ""
		}
		if (tok == token.IDENT || tok == token.STRING) && regexp.MustCompile(`(?i)\b`+word).MatchString(lit) {
			return lit
		}
	}
}
