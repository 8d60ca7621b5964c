package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// On a server of a newer version than this release was proven on, no plan begins without a flag. A begun plan goes on, and abort works.
func TestNewerServer(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		real := pgservertest.Database(t, major)
		newer := pgservertest.NewerServer(t, real).URL
		run(t, real, "CREATE TABLE a (id int PRIMARY KEY, old int)")
		settings := func(accept bool) apply.Config {
			return apply.Config{DB: newer, UnknownVersion: accept}
		}
		refuse := func(err error) {
			t.Helper()
			if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, "--unknown-version") {
				t.Fatalf("not refused for its version: %v", err)
			}
			if startedCount := content(t, real, "SELECT count(*)::text FROM onward_ledger.plan WHERE ended IS NULL"); startedCount[0] != "0" {
				t.Fatalf("%s plans were begun", startedCount[0])
			}
		}
		add := handmade(t, real,
			onward.PlanStep{Class: onward.StepDDL, SQL: "ALTER TABLE a ADD COLUMN more int", Undo: "ALTER TABLE a DROP COLUMN IF EXISTS more"},
			onward.PlanStep{Class: onward.StepConcurrent, Transaction: onward.TransactionNone, SQL: "CREATE INDEX CONCURRENTLY a_more ON a (more);\n",
				Undo: "DROP INDEX CONCURRENTLY IF EXISTS a_more"},
			onward.PlanStep{Phase: onward.Contract, Class: onward.StepDDL, SQL: "ALTER TABLE a DROP COLUMN old"})
		c := settings(false)
		c.Plan = add
		_, err := apply.Run(t.Context(), c)
		refuse(err)

		c = settings(true)
		c.Plan, c.To = add, add.Steps[0].ID
		runPlan(t, c)
		c = settings(false) // the plan is no new one any more
		c.Plan = add
		runPlan(t, c)
		if r, err := apply.Abort(t.Context(), settings(false), ""); err != nil || r.State != onward.ApplyAbandoned {
			t.Fatalf("apply.Abort on a newer server = %+v, %v, want it abandoned", r, err)
		}

		add.Steps[0].SQL = strings.Replace(add.Steps[0].SQL, "more int", "more bigint", 1) // another plan
		c = settings(true)
		c.Plan = markProven(t, add)
		runPlan(t, c)
		for _, phase := range []onward.PlanPhase{onward.Backfill, onward.Contract} {
			c := settings(false)
			c.Through = phase
			if list, err := apply.Continue(t.Context(), c, ""); err != nil || len(list) != 1 {
				t.Fatalf("continue through %s = %+v, %v, want 1 plan", phase, list, err)
			}
		}

		pending := pendingOf(repository(t, history), "", "1")
		pending.Config = settings(false)
		_, err = apply.Pending(t.Context(), pending)
		refuse(err)
		pending.Config = settings(true)
		if r, err := apply.Pending(t.Context(), pending); err != nil || r.State != onward.ApplyDone {
			t.Fatalf("apply.Pending with --unknown-version = %+v, %v, want it done", r, err)
		}
	})
}
