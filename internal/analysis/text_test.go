package analysis_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/golden"
)

// block is a paragraph of a file in testdata: what it is about, SQL that creates the deployed schema, and lines that a test answers.
type block struct {
	title    string
	deployed *catalog.Catalog
	lines    []string
}

// readBlocks reads a file. Blocks are separated by an empty line; "--" separates the deployed schema from the lines.
func readBlocks(t *testing.T, name string) []block {
	t.Helper()
	var blocks []block
	for paragraph := range strings.SplitSeq(strings.TrimSpace(golden.ReadFile(t, filepath.Join("testdata", name))), "\n\n") {
		title, rest, _ := strings.Cut(paragraph, "\n")
		schema, lines, found := strings.Cut(rest, "\n--\n")
		if !found {
			t.Fatalf("%s: %s has no line --", name, title)
		}
		blocks = append(blocks, block{title, schemaOf(t, schema), strings.Split(lines, "\n")})
	}
	return blocks
}

// compareFound compares the answers to a file of testdata with its golden file: rows.txt has rows.found.txt.
func compareFound(t *testing.T, name, got string) {
	t.Helper()
	golden.CompareFile(t, filepath.Join("testdata", strings.TrimSuffix(name, ".txt")+".found.txt"), got)
}
