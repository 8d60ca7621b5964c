package dbmigrate_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/dbmigrate"
)

// TestContract holds the adapter to its contract.
func TestContract(t *testing.T) {
	adaptertest.Exercise(t, dbmigrate.Adapter, "testdata/shop")
}
