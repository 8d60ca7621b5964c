package goose_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/goose"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Exercise(t, goose.Adapter, "testdata/shop")
}
