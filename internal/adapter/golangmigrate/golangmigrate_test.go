package golangmigrate_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/golangmigrate"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Exercise(t, golangmigrate.Adapter, "testdata/shop")
}
