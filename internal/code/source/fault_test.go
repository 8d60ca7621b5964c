package source_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/code/source"
)

// A fault of onward's own is words, and nothing more is lost.
func TestSurvive(t *testing.T) {
	t.Parallel()
	var list []int
	if failed := source.CatchPanic(func() { _ = list[3] }); !strings.Contains(failed, "index out of range [3]") || !strings.Contains(failed, "please report") {
		t.Errorf("CatchPanic of an index out of range = %q, want the panic, and a plea to report it", failed)
	}
	if failed := source.CatchPanic(func() {}); failed != "" {
		t.Errorf("CatchPanic without a panic = %q, want \"\"", failed)
	}
}
