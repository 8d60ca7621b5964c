package onward_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// How big things may be: a file fits on a screen or two, a function on one.
const (
	tallest = 400 // lines of a file
	median  = 110 // lines of the file in the middle
	longest = 60  // lines of a function outside tests
)

// long are the functions that have more lines, and why. A list or a flat switch, such as one over kinds of statements, may be
// long: cutting it makes a maze. So may a function whose parts would share all of their state. 25 lines are the aim.
var long = map[string]string{
	"internal/fill/dump.go: nextStatement":         "a lexer: a case for each way that a token begins",
	"internal/fill/passing_rows.go: findPassing":   "a search with one state; its steps share all of it",
	"internal/fill/reference.go: assignRefs":       "one reference after the other; each step needs what the one before decided",
	"internal/fill/reference.go: newPicker":        "three ways to choose a row, closures over one reference",
	"internal/fill/scalar.go: scalarOf":            "a table of types: how each counts and is written",
	"internal/fill/text.go: patternValue":          "a walk over one parsed pattern: a case for each of its nodes",
	"internal/fill/text.go: textValue":             "one closure for each value: what is looked up once stands in front of it",
	"internal/pgparse/scan.go: scanToken":          "a lexer: a case for each way that a token begins",
	"internal/pgparse/scan.go: scanWord":           "a lexer: a case for each word that changes how statements end",
	"internal/pgserver/observe/alone.go: runRound": "one wait: what ends it, and what it learns meanwhile, share its state",
	"internal/query/figure.go: figureName":         "a switch over the kinds of expressions",
}

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
	var lengths []int
	for path, data := range written(t) {
		lines := bytes.Count(data, []byte("\n"))
		lengths = append(lengths, lines)
		if lines > tallest {
			t.Errorf("%s has %d lines, more than %d: divide it by subject", path, lines, tallest)
		}
	}
	slices.Sort(lengths)
	if m := lengths[len(lengths)/2]; m > median {
		t.Errorf("the median file has %d lines, more than %d", m, median)
	}
}

// TestFunctionsAreShort holds that a function above the length has its reason.
func TestFunctionsAreShort(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for path, data := range written(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, data, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name, lines := path+": "+f.Name.Name, fset.Position(f.End()).Line-fset.Position(f.Pos()).Line+1
			if lines <= longest {
				continue
			}
			seen[name] = true
			if long[name] == "" {
				t.Errorf("%s has %d lines, more than %d: divide it by subject, or say in long why not", name, lines, longest)
			}
		}
	}
	for name := range long {
		if !seen[name] {
			t.Errorf("%s is in long, and has no more than %d lines: take it out", name, longest)
		}
	}
}
