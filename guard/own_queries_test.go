package guard_test

import (
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/pgserver/sentqueries"
)

// The monitor's queries find nothing by the search_path of the database, whose owner may put functions and operators there.
func TestOwnQueries(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := newStage(t, major, "ALTER TABLE t ADD note text")
		s.run(s.other, "BEGIN", "SELECT FROM t")
		time.Sleep(60 * time.Millisecond)
		sent, proxyURL := sentqueries.RecordQueries(t, s.url)
		s.c.DB = proxyURL
		if r := s.guard("is held back: ", func() { s.run(s.other, "COMMIT") }); r.ExitCode != 0 {
			t.Errorf("the guarded run is %+v, want exit code 0", r)
		}
		sent.CheckQueries(t, 20, nil)
	})
}
