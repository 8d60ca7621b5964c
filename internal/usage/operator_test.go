package usage

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// An operator of a query is found by its sign, unless the server has operators of that name.
func TestOperators(t *testing.T) {
	t.Parallel()
	text := []byte("package a\n\nconst q = `SELECT 1 FROM t WHERE a === $1 AND b = 2`\n")
	b := &Bound{Index: NewIndex([]File{{Path: "a.go", Facts: Read("a.go", text)}})}
	if got := b.Function(catalog.Name{Name: "==="}); len(got) != 1 || got[0].Line != 3 {
		t.Errorf("%+v", got)
	}
	if got := b.Function(catalog.Name{Name: "="}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}
