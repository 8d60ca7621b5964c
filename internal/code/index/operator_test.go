package index_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/read"
)

// An operator of a query is found by its sign, unless the server has operators of that name.
func TestOperators(t *testing.T) {
	t.Parallel()
	text := []byte("package a\n\nconst q = `SELECT 1 FROM t WHERE a === $1 AND b = 2`\n")
	b := &index.Bound{Index: index.NewIndex([]index.File{{Path: "a.go", Facts: read.Read("a.go", text)}})}
	if got := b.Function(catalog.Name{Name: "==="}); len(got) != 1 || got[0].Line != 3 {
		t.Errorf("uses of operator === are %+v, want one in line 3", got)
	}
	if got := b.Function(catalog.Name{Name: "="}); len(got) != 0 {
		t.Errorf("uses of operator = are %+v, want none: it is in every query", got)
	}
}
