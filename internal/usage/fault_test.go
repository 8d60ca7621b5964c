package usage

import (
	"strings"
	"testing"
)

// A fault of onward's own is words, and nothing more is lost.
func TestSurvive(t *testing.T) {
	t.Parallel()
	var list []int
	if failed := catchPanic(func() { _ = list[3] }); !strings.Contains(failed, "index out of range [3]") || !strings.Contains(failed, "please report") {
		t.Errorf("%q", failed)
	}
	if failed := catchPanic(func() {}); failed != "" {
		t.Errorf("%q", failed)
	}
}
