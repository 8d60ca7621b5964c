package onward_test

import (
	"bytes"
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
