package preflight_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestPooler checks that the real pgbouncer is reported in both modes, and that a direct
// connection is not.
func TestPooler(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, 18)
	wantNone(t, flight(t, db), "pooler-between")
	for mode, words := range map[string][]string{
		"transaction": {"warning", "two clients share one session"},
		"session":     {"info", "keeps a session for each client"},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := flight(t, pgservertest.StartPgbouncer(t, pgservertest.Database(t, 16), mode))
			want(t, r, "pooler-between", words...)
		})
	}
}
