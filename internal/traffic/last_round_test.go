package traffic_test

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/traffic"
)

// The last round shows what a release broke, however short it was: each query that was made up from the schema is sent
// again, in a session that has it prepared.
func TestLastRound(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		s := begin(t, url, shop, traffic.Config{Relations: both})
		s.exec("ALTER TABLE users DROP COLUMN name")
		s.exec("ALTER TABLE orders ALTER COLUMN at DROP DEFAULT, ALTER COLUMN at TYPE text")
		log := s.load.FinishLoad()
		var codes []string
		for _, f := range log.Failures {
			codes = append(codes, f.Relation+" "+f.Err.Code)
		}
		for _, want := range []string{"public.users 42703", "public.orders 0A000"} {
			if !slices.Contains(codes, want) {
				t.Errorf("failures %v, want %s", codes, want)
			}
		}
	})
}
