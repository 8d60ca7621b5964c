package payload_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/payload"
)

// TestContract holds the adapter to its contract.
func TestContract(t *testing.T) {
	adaptertest.Exercise(t, payload.Adapter, "testdata/shop")
}
