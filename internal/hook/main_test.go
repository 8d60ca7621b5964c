package hook

import (
	"os"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
)

// TestMain lets the test's program run migrations.
func TestMain(m *testing.M) {
	audit.RunChild()
	os.Exit(m.Run())
}

// TestNestedSubstitutions: a substitution is read again for each one around it, within the bound of a script's values.
func TestNestedSubstitutions(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]int{100: 0, 4000: 1} {
		out := readScript("dropdb "+strings.Repeat("$(", depth)+"x"+strings.Repeat(")", depth), "", os.Getenv)
		if len(out.unread) != want {
			t.Errorf("%d levels: %d MB of values, %v", depth, out.bytes>>20, out.unread)
		}
	}
}
