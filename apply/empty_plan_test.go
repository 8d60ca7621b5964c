package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A release without migrations has a plan without steps. Its pipeline runs the same commands: apply is done at once and leaves nothing, unless
// an earlier plan is under way whose backfill the new code needs.
func TestEmptyPlan(t *testing.T) {
	t.Parallel()
	empty := &onward.Plan{Schema: onward.PlanSchema, Base: "v2", Head: "v3", Migrations: []onward.PlannedMigration{}, Steps: []onward.PlanStep{}}
	var err error
	if empty.Digest, err = ledger.PlanDigest(empty); err != nil {
		t.Fatal(err)
	}
	full := planned(t, base, release)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		db := pgservertest.Database(t, major)
		finishPlan(t, apply.Config{DB: db, Plan: empty})
		if left := content(t, db, "SELECT nspname FROM pg_namespace WHERE nspname ~ 'onward'"); len(left) > 0 {
			t.Errorf("an empty plan leaves %v", left)
		}
		run(t, db, base, rows)
		expectRefusal := func(plan *onward.Plan, want string) {
			t.Helper()
			refused := new(apply.RefusedError)
			for name, begin := range map[string]func() error{
				"Run": func() error { _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: plan}); return err },
				"RunPlanAndRecord": func() error {
					_, err := apply.RunPlanAndRecord(t.Context(), apply.PendingConfig{Config: apply.Config{DB: db, Plan: plan}})
					return err
				},
			} {
				if err := begin(); !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s = %v, want a refusal with %q", name, err, want)
				}
			}
		}
		runPlan(t, apply.Config{DB: db, Plan: full, Through: onward.Expand})
		expectRefusal(empty, "The new code must wait for ")
		runPlan(t, apply.Config{DB: db, Plan: full})
		finishPlan(t, apply.Config{DB: db, Plan: empty})
		changed := *empty
		changed.Base = "v1"
		expectRefusal(&changed, "was changed after it was made")
		if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil {
			t.Fatal(err)
		}
		finishPlan(t, apply.Config{DB: db, Plan: empty}) // nothing is under way any more
	})
}
