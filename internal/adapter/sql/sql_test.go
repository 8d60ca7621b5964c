package sql_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sql"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, project := range []string{"shop", "nested", "flyway", "flyway-years", "diesel"} {
		t.Run(project, func(t *testing.T) {
			t.Parallel()
			adaptertest.Exercise(t, sql.Adapter{}, "testdata/"+project)
		})
	}
}
