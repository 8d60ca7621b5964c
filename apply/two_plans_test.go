package apply_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// Two plans on different tables do not meet, in whatever order their phases run: the last one that ends drops the schema of the cursors.
func TestTwoPlans(t *testing.T) {
	t.Parallel()
	plans := []*onward.Plan{
		planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;"),
		planned(t, base+"CREATE TABLE posts (id bigint PRIMARY KEY, title text);", "ALTER TABLE posts RENAME COLUMN title TO headline;"),
	}
	plans[1].Migrations[0].ID = "00003_c" // another release
	markProven(t, plans[1])
	type move struct {
		plan  int
		phase onward.PlanPhase // "" takes the plan back
	}
	const expand, backfill, contract = onward.Expand, onward.Backfill, onward.Contract
	for number, moves := range [][]move{
		{{0, backfill}, {1, backfill}, {0, contract}, {1, contract}},
		{{0, expand}, {1, backfill}, {1, contract}, {0, contract}},
		{{0, backfill}, {1, expand}, {0, contract}, {1, ""}},
		{{0, backfill}, {1, expand}, {1, ""}, {0, contract}},
	} {
		t.Run(fmt.Sprint(number), func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, base+"CREATE TABLE posts (id bigint PRIMARY KEY, title text)", rows, "INSERT INTO posts VALUES (1, 'a')")
			for _, m := range moves {
				c := apply.Config{DB: db, Plan: plans[m.plan], Through: m.phase, Within: 20 * time.Second}
				if m.phase != "" {
					runPlan(t, c)
					continue
				}
				if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, content(t, db,
					"SELECT id FROM onward_ledger.plan WHERE state = 'running' AND plan->'migrations'->0->>'id' = '"+plans[m.plan].Migrations[0].ID+"'")[0]); err != nil {
					t.Fatal(err)
				}
			}
			if left := content(t, db, "SELECT tgname::text FROM pg_trigger WHERE tgname ~ 'onward' UNION ALL SELECT nspname::text FROM pg_namespace WHERE nspname = 'onward'"); len(left) > 0 {
				t.Errorf("triggers and schemas of onward are left: %q", left)
			}
			list, err := apply.Status(t.Context(), db)
			if err != nil || len(list) != 2 {
				t.Fatalf("apply.Status = %+v, %v, want 2 plans", list, err)
			}
			for _, p := range list {
				if p.State != onward.ApplyDone && p.State != onward.ApplyAbandoned {
					t.Errorf("the plan is neither done nor abandoned: %+v", p)
				}
			}
		})
	}
}
