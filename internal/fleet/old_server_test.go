package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A server that is older than onward knows fails with its version, is left as it is, and costs only itself.
func TestOldServer(t *testing.T) {
	t.Parallel()
	old := pgservertest.Server(t, onward.OldestMajor-1).URL("postgres")
	db, conn := tenants(t, 2)
	c, seen := newConfig(t, db, "")
	c.Work, c.StopAfter = sendDirectly(migration), fleet.Amount{Number: 1}
	list := c.List
	c.List = func(ctx context.Context) ([]*fleet.Target, error) {
		targets, err := list(ctx)
		return append([]*fleet.Target{{Name: "old", Address: old}}, targets...), err
	}
	const note = "it is Postgres 12, and this release of onward knows 13 to 19"
	want := []string{"old failed " + note, "tenant_01 done ", "tenant_02 done "}
	check := func(resultName string, r *onward.Rollout) {
		t.Helper()
		var got []string
		for _, p := range r.Targets {
			got = append(got, fmt.Sprint(p.Name, " ", p.State, " ", p.Note))
		}
		if diff := cmp.Diff(want, got); diff != "" || r.State != onward.RolloutFailed {
			t.Errorf("%s: state %s, want failed; targets (-want +got):\n%s\n%s", resultName, r.State, diff, seen)
		}
	}
	r, err := fleet.Run(t.Context(), c)
	if unfinished := new(fleet.UnfinishedError); !errors.As(err, &unfinished) || !unfinished.Failed {
		t.Fatal(err)
	}
	check("the release", r)
	targets, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r, err = fleet.ReadStatus(t.Context(), targets, "v2", c.Waves); err != nil {
		t.Fatal(err)
	}
	check("its status", r)
	checkTenants(t, conn, schemaNames(t, conn))
	var schemas int
	if err := pgservertest.Connect(t, old).QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'onward%'").Scan(&schemas); err != nil ||
		schemas != 0 {
		t.Errorf("%d schemas of onward: %v", schemas, err)
	}
}
