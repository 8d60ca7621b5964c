package sqlx_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sqlx"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	adaptertest.Exercise(t, sqlx.Adapter, "testdata/shop")
}
