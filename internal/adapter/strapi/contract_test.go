package strapi_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/strapi"
)

// TestContract holds the adapter to its contract.
func TestContract(t *testing.T) {
	adaptertest.Exercise(t, strapi.New(), "testdata/shop")
}
