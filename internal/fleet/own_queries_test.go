package fleet_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/sentqueries"
	"github.com/onward-sql/onward/onward"
)

// The queries on the ledger find nothing by the search_path of the database, whose owner may put functions and operators there.
func TestOwnQueries(t *testing.T) {
	t.Parallel()
	db, conn := tenants(t, 4)
	sent, proxyURL := sentqueries.RecordQueries(t, db)
	c, seen := newConfig(t, proxyURL, "")
	c.Work = sendDirectly(migration)
	if r, err := fleet.Run(t.Context(), c); err != nil || r.State != onward.RolloutDone {
		t.Fatalf("run the release through the proxy: %v\n%s", err, seen)
	}
	list, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"v2", "v3"} {
		if err := fleet.Pause(t.Context(), list, release, "me"); err != nil {
			t.Error(err)
		}
	}
	if err := fleet.Skip(t.Context(), list[:1], "v3", "a test", "me"); err != nil {
		t.Error(err)
	}
	if err := fleet.Retry(t.Context(), list[0], "v3", "me"); err != nil {
		t.Error(err)
	}
	if _, err := fleet.SurveyTargets(t.Context(), c); err != nil {
		t.Error(err)
	}
	fleet.ReadOpenSteps(t.Context(), list)
	checkTenants(t, conn, schemaNames(t, conn))
	sent.CheckQueries(t, 300, nil)
}
