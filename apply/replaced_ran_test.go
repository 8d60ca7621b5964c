package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A replaced migration ran all the same and dropped what the contract drops. contract and apply refuse before they change anything, report what is
// left, and their last line closes the plan.
func TestReplacedMigrationRan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		contract, migration, gone string
		through                   onward.PlanPhase
	}{
		"a column, before the contract": {"ALTER TABLE parcels DROP COLUMN kind", "ALTER TABLE parcels DROP COLUMN kind", "parcels.kind", onward.Backfill},
		"a column, before the backfill": {"ALTER TABLE parcels DROP COLUMN kind", "ALTER TABLE parcels DROP COLUMN kind", "parcels.kind", onward.Expand},
		"a table":                       {"DROP TABLE kinds", "DROP TABLE kinds", "kinds", onward.Backfill},
		"a renamed column": {"ALTER TABLE parcels RENAME COLUMN kind TO kind_old; ALTER TABLE parcels RENAME COLUMN form TO kind; " +
			"ALTER TABLE parcels DROP COLUMN kind_old", "", "", onward.Backfill},
		"what may be missing": {"ALTER TABLE parcels DROP COLUMN IF EXISTS kind", "ALTER TABLE parcels DROP COLUMN kind", "", onward.Backfill},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, "CREATE TABLE parcels (id int PRIMARY KEY, kind text)", "CREATE TABLE kinds (id int)", "INSERT INTO parcels VALUES (1, 'big')")
			p := handmade(t, db,
				onward.PlanStep{Class: onward.StepDDL, SQL: "ALTER TABLE parcels ADD COLUMN form text", Undo: "ALTER TABLE parcels DROP COLUMN form"},
				onward.PlanStep{Phase: onward.Backfill, Class: onward.StepDDL, SQL: "UPDATE parcels SET form = kind"},
				onward.PlanStep{Phase: onward.Contract, Class: onward.StepDDL, SQL: tc.contract})
			first, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: tc.through})
			if err != nil {
				t.Fatal(err)
			}
			if tc.migration != "" {
				run(t, db, tc.migration)
			}
			var left []string
			config := apply.Config{DB: db, Plan: p, Through: onward.Contract, Tell: func(e apply.Event) {
				if e.Kind == apply.Warned && e.Step != nil {
					left = append(left, e.Step.ID+" "+e.Words)
				}
			}}
			r, err := apply.Run(t.Context(), config)
			if tc.gone == "" {
				if err != nil || r.State != onward.ApplyDone {
					t.Fatalf("apply after its migration ran = %+v, %v, want it done", r, err)
				}
				return
			}
			refused := new(apply.RefusedError)
			next := "onward abort --db ADDRESS --plan " + first.Plan + " --forget"
			if !errors.As(err, &refused) || !strings.HasPrefix(refused.Text, tc.gone+" is gone") || refused.Next != next || r == nil {
				t.Fatalf("apply after its migration ran = %+v, %v, want a refusal that %s is gone", r, err, tc.gone)
			}
			if len(left) != 1 || !strings.HasPrefix(left[0], "01-expand is left") || !strings.Contains(left[0], "DROP COLUMN form") {
				t.Errorf("the warnings are %q, want one about 01-expand and its undo", left)
			}
			if tc.through == onward.Backfill {
				if _, err := apply.Continue(t.Context(), config, ""); !errors.As(err, &refused) || refused.Next != next {
					t.Errorf("contract: %v", err)
				}
			}
			if r, err := apply.Forget(t.Context(), apply.Config{DB: db}, first.Plan); err != nil || r.State != onward.ApplyAbandoned {
				t.Errorf("apply.Forget = %+v, %v, want it abandoned", r, err)
			}
		})
	}
}
