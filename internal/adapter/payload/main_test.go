package payload_test

import (
	"os"
	"testing"

	"github.com/onward-sql/onward/internal/adapter/jsrun"
)

// TestMain lets the test's program run migrations.
func TestMain(m *testing.M) {
	jsrun.RunChild()
	os.Exit(m.Run())
}
