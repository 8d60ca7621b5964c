package guard_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/onward"
)

// The sessions of a command begin in the schema of a tenant. The guard knows what its statements lock there, and reports
// each session before the server gets a statement.
func TestSearchPath(t *testing.T) {
	t.Parallel()
	s := newStage(t, onward.NewestMajor, "ALTER TABLE t ADD note text", "show search_path")
	s.run(s.other, `CREATE SCHEMA "Tenant A"`, `CREATE TABLE "Tenant A".t (id int)`, "BEGIN", `SELECT FROM "Tenant A".t`)
	time.Sleep(60 * time.Millisecond)
	s.c.SearchPath = `"Tenant A"`
	var seen []string
	s.c.OnSession = func(pid int) {
		seen = append(seen, strconv.Itoa(pid))
		if got := s.one("SELECT count(*)::text FROM pg_stat_activity WHERE backend_type = 'client backend' AND query = '' AND pid = " +
			strconv.Itoa(pid)); got != "1" {
			t.Errorf("%s sessions have this process and no statement", got)
		}
	}
	r := s.guard("is held back: ", func() { s.run(s.other, "COMMIT") })
	if r.ExitCode != 0 || len(r.Runs[0].Waited) != 1 || r.Runs[0].Waited[0].Statement != "ALTER TABLE on Tenant A.t" || len(seen) != 1 {
		t.Errorf("%+v, sessions %v", r, seen)
	}
	if !strings.Contains(s.out.String(), `search_path "Tenant A"`) {
		t.Errorf("the session's search_path is not \"Tenant A\":\n%s", s.out.String())
	}
	if got := s.one("SELECT string_agg(attrelid::regclass::text, ' ') FROM pg_attribute WHERE attname = 'note'"); got != `"Tenant A".t` {
		t.Errorf("the tables with a column note are %s, want only \"Tenant A\".t", got)
	}
}
