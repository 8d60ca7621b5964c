package fault_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/fault"
)

func broken(list []int) int { return list[3] }

func TestOf(t *testing.T) {
	t.Parallel()
	var err error
	func() {
		defer func() { err = fault.FromPanic(recover()) }()
		broken(nil)
	}()
	for _, want := range []string{"index out of range [3]", "(fault_test.broken:", "please report"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q is missing", err, want)
		}
	}
	if strings.Contains(err.Error(), "fault_test.go") {
		t.Errorf("%s names a path", err)
	}
}
