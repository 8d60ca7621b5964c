package onward_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// tallest limits the lines of a file. How long a function is, its reader decides: a flat switch stays one switch.
const tallest = 400

// written lists the Go files that people write: no generated ones, no fixtures.
func written(t *testing.T) map[string][]byte {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for path := range strings.FieldsSeq(string(out)) {
		data, err := os.ReadFile(path)
		switch {
		case os.IsNotExist(err): // deleted, and not committed yet
		case err != nil:
			t.Fatal(err)
		case strings.Contains(path, "testdata/"), bytes.Contains(data[:min(len(data), 500)], []byte("// Code generated ")):
		default:
			files[path] = data
		}
	}
	if len(files) < 100 {
		t.Fatalf("only %d files are seen", len(files))
	}
	return files
}

// TestFilesAreShort holds the length of files.
func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for path, data := range written(t) {
		if lines := bytes.Count(data, []byte("\n")); lines > tallest {
			t.Errorf("%s has %d lines, more than %d: divide it by subject", path, lines, tallest)
		}
	}
}

// size is how much Go people have to read. Tokens are counted without comments, imports and the semicolons that line ends stand for, so that
// neither packed lines nor lost comments change it. Program is all that is no _test.go file.
type size struct {
	Program, Tests, Files int
}

// sizeLimits is size.json: the size at the last landing, and what an issue may add until its note ends it.
type sizeLimits struct {
	// Landing counts the landings: .ci/run takes the tests and tools that have their turn.
	Landing    int
	Landed     size
	Allowances map[string]size
}

const sizeFile = "size.json"

// countTokens counts the tokens of a file. The parser's grammar puts imports before everything but the package clause.
func countTokens(data []byte) (n int) {
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile("", -1, len(data)), data, nil, 0)
	imported, depth := false, 0
	for {
		_, tok, text := s.Scan()
		switch {
		case tok == token.EOF:
			return n
		case tok == token.SEMICOLON && text == "\n":
			imported = imported && depth > 0
		case tok == token.IMPORT:
			imported = true
		case imported && tok == token.LPAREN:
			depth++
		case imported && tok == token.RPAREN:
			depth--
		case !imported:
			n++
		}
	}
}

// TestSize holds how large the program, its tests and the number of its files are. Before a landing ONWARD_LIMITS=write
// makes what is counted the new figures, and drops the allowances.
func TestSize(t *testing.T) {
	t.Parallel()
	var limits sizeLimits
	data, err := os.ReadFile(sizeFile)
	if err == nil {
		err = json.Unmarshal(data, &limits)
	}
	if err != nil {
		t.Fatal(err)
	}
	var counted size
	var programLines, testLines int
	for path, data := range written(t) {
		tokens, lines := countTokens(data), bytes.Count(data, []byte("\n"))
		if strings.HasSuffix(path, "_test.go") {
			counted.Tests += tokens
			testLines += lines
			continue
		}
		counted.Program += tokens
		counted.Files++
		programLines += lines
	}
	t.Logf("program: %d tokens in %d files, %d lines; tests: %d tokens, %d lines", counted.Program, counted.Files, programLines, counted.Tests, testLines)
	limit := limits.Landed
	for _, allowed := range limits.Allowances {
		limit.Program += allowed.Program
		limit.Tests += allowed.Tests
		limit.Files += allowed.Files
	}
	for _, c := range []struct {
		what           string
		counted, limit int
	}{
		{"tokens outside tests", counted.Program, limit.Program},
		{"tokens in tests", counted.Tests, limit.Tests},
		{"files outside tests", counted.Files, limit.Files},
	} {
		if c.counted > c.limit {
			t.Errorf("%d %s, and with the allowances of %s the limit is %d: CONTRIBUTING.md, Size", c.counted, c.what, sizeFile, c.limit)
		}
	}
	if os.Getenv("ONWARD_LIMITS") == "write" && !t.Failed() {
		text, err := json.MarshalIndent(sizeLimits{Landing: limits.Landing + 1, Landed: counted, Allowances: map[string]size{}}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(sizeFile, fmt.Appendf(text, "\n"), 0o644); err != nil { //nolint:gosec // a file of the repository
			t.Fatal(err)
		}
	}
}

// TestCountTokens holds what is no token: comments, imports, and how statements are laid out.
func TestCountTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"package p\n": 2,
		"package p\n\nimport \"fmt\"\n\n// a comment\nvar x = 1\n":          6,
		"package p\n\nimport (\n\t\"fmt\"\n\t. \"os\"\n)\n\nvar x = f(1)\n": 9,
		"package p\nfunc f() { g()\nh() }\n":                                14,
		"package p\nfunc f() {\n\tg()\n\th()\n}\n":                          14,
	} {
		if got := countTokens([]byte(text)); got != want {
			t.Errorf("%q has %d tokens, not %d", text, got, want)
		}
	}
}
