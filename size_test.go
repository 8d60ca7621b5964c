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
	tallest    = 400 // lines of a file
	median     = 110 // lines of the file in the middle
	longest    = 60  // lines of a function outside of tests
	mostLonger = 87  // functions above that; the number only goes down, and 25 is the aim
)

// tall are files above the limit, each with its reason.
var tall = map[string]string{}

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
		if lines > tallest && tall[path] == "" {
			t.Errorf("%s has %d lines, more than %d: divide it by subject", path, lines, tallest)
		}
	}
	slices.Sort(lengths)
	if m := lengths[len(lengths)/2]; m > median {
		t.Errorf("the median file has %d lines, more than %d", m, median)
	}
}

// TestFunctionsAreShort holds how many functions are long.
func TestFunctionsAreShort(t *testing.T) {
	t.Parallel()
	var long []string
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
			if ok && fset.Position(f.End()).Line-fset.Position(f.Pos()).Line+1 > longest {
				long = append(long, path+": "+f.Name.Name)
			}
		}
	}
	switch slices.Sort(long); {
	case len(long) > mostLonger:
		t.Errorf("%d functions have more than %d lines, %d may:\n%s", len(long), longest, mostLonger, strings.Join(long, "\n"))
	case len(long) < mostLonger-5:
		t.Errorf("%d functions have more than %d lines: lower mostLonger, which is %d", len(long), longest, mostLonger)
	}
}
