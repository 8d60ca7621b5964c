package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A tool that compares schemas drops what a plan has made. An index is built again; a column or a trigger is named, by each command, until
// the plan is taken back.
func TestMadeObjectsDropped(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE parcels (id bigint PRIMARY KEY, weight int); CREATE INDEX heavy ON parcels (weight);"
	p := planned(t, base, "ALTER TABLE parcels ALTER COLUMN weight TYPE bigint;")
	url := pgservertest.Database(t, 17)
	run(t, url, base, "INSERT INTO parcels SELECT n, n FROM generate_series(1, 100) n")
	runPlan(t, apply.Config{DB: url, Plan: p})
	says := func(newCode bool, want string) {
		t.Helper()
		list, err := apply.Status(t.Context(), url)
		if err != nil || len(list) != 1 || list[0].Readiness[0].NewCode != newCode || !strings.Contains(list[0].Readiness[0].Text, want) {
			t.Errorf("the status is %+v, %v, want new code %t and %q", list[0].Readiness, err, newCode, want)
		}
	}
	says(true, "may be deployed")
	run(t, url, "DROP INDEX heavy_onward")
	says(false, "the plan has made index heavy_onward, and somebody has dropped it")
	runPlan(t, apply.Config{DB: url, Plan: p})
	says(true, "may be deployed")
	if got := content(t, url, "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'parcels'::regclass AND indisvalid ORDER BY 1"); len(got) != 3 {
		t.Errorf("the valid indexes are %q, want heavy_onward built again", got)
	}
	run(t, url, "ALTER TABLE parcels DROP COLUMN weight_onward CASCADE", "UPDATE parcels SET weight = 7 WHERE id = 1")
	says(false, "column parcels.weight_onward")
	for _, through := range []onward.PlanPhase{onward.Backfill, onward.Contract} {
		_, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p, Through: through})
		refused := new(apply.RefusedError)
		if !errors.As(err, &refused) || !strings.Contains(refused.Text, "the column parcels.weight_onward, which the step has made, is gone") {
			t.Errorf("apply through %s = %v, want a refusal that names the column", through, err)
		}
	}
	if r, err := apply.Abort(t.Context(), apply.Config{DB: url}, ""); err != nil || r.State != onward.ApplyAbandoned {
		t.Fatalf("apply.Abort = %+v, %v, want the plan taken back", r, err)
	}
	runPlan(t, apply.Config{DB: url, Plan: p})
	finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
	if got := content(t, url, "SELECT weight::text FROM parcels WHERE id = 1"); len(got) != 1 || got[0] != "7" {
		t.Errorf("the row has %q, want what the deployed code wrote", got)
	}
}
