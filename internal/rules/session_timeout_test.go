package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// A lock_timeout that the session begins with is judged as one that the migration sets.
func TestTimeoutOfTheSession(t *testing.T) {
	t.Parallel()
	const alter = `ALTER TABLE "shop_order" ADD COLUMN "size" integer NULL`
	for name, tc := range map[string]struct {
		runner history.Runner
		sql    string
		want   string
	}{
		"long":               {history.Runner{LockTimeout: 150_000}, alter, "lets this wait 150 seconds for the lock on shop_order"},
		"short":              {history.Runner{LockTimeout: 5000}, alter, ""},
		"ended by another":   {history.Runner{LockTimeout: 150_000, StatementTimeout: 3000}, alter, ""},
		"set over":           {history.Runner{LockTimeout: 150_000}, "SET lock_timeout = '2s'; " + alter, ""},
		"nothing is in use":  {history.Runner{LockTimeout: 150_000}, "CREATE TABLE fresh (id bigint)", ""},
		"reads are no users": {history.Runner{LockTimeout: 150_000}, "SELECT 1", ""},
	} {
		findings := judgeDjango(t, script.Operation{}, tc.sql, onward.TransactionFile, tc.runner)
		i := slices.IndexFunc(findings, func(f onward.Finding) bool { return f.Rule == "transaction-lock-timeout-long" })
		switch {
		case tc.want == "" && i >= 0:
			t.Errorf("%s: unexpected finding: %s", name, findings[i].Fact)
		case tc.want != "" && (i < 0 || !strings.Contains(findings[i].Fact, tc.want) || !strings.Contains(findings[i].Instead, "OPTIONS")):
			t.Errorf("%s: the findings are %v, want a long lock timeout with %q and OPTIONS", name, findings, tc.want)
		}
	}
}
