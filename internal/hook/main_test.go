package hook

import (
	"os"
	"testing"

	"github.com/onward-sql/onward/audit"
)

// TestMain lets the test's program run migrations.
func TestMain(m *testing.M) {
	audit.RunChild()
	os.Exit(m.Run())
}
