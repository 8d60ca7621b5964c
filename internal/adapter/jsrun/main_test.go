package jsrun

import (
	"os"
	"testing"
)

// TestMain lets the test's program be the child.
func TestMain(m *testing.M) {
	RunChild()
	os.Exit(m.Run())
}
