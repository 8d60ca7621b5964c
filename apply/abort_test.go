package apply_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// The backfill of a column that was there gives no old value back. The plan, apply and abort say so; what a backfill writes to a column that
// the plan adds goes with the column, and is not named.
func TestAbortSaysWhichRowsStayChanged(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "UPDATE orders SET status = 'open' WHERE status IS NULL; ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();")
	want := []string{"orders.status"}
	if !slices.ContainsFunc(p.Notes, func(n string) bool { return strings.Contains(n, "the rows of orders.status stay changed") }) {
		t.Errorf("the plan's notes: %q", p.Notes)
	}
	for _, s := range p.Steps {
		if update := s.Backfill != nil && strings.Contains(s.Backfill.Work, "SET status"); update != cmp.Equal(s.StayChanged, want) {
			t.Errorf("%s: %q stay changed", s.ID, s.StayChanged)
		}
	}
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	if r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Expand}); err != nil || len(r.StayChanged) > 0 {
		t.Fatalf("no backfill was begun: %+v %v", r, err)
	}
	if r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p}); err != nil || !cmp.Equal(r.StayChanged, want) {
		t.Fatalf("apply through the backfill = %+v, %v, want %q reported as changed", r, err, want)
	}
	r, err := apply.Abort(t.Context(), apply.Config{DB: db}, "")
	if err != nil || r.State != onward.ApplyAbandoned || !cmp.Equal(r.StayChanged, want) {
		t.Fatalf("apply.Abort = %+v, %v, want it abandoned and %q reported as changed", r, err, want)
	}
	if got := content(t, db, "SELECT count(*)::text FROM orders WHERE status = 'open'"); got[0] != "2000" {
		t.Errorf("%s rows stay changed", got[0])
	}
	log, err := apply.Log(t.Context(), db, r.Plan, 100)
	if err != nil || log[len(log)-1].Detail != "the rows of orders.status stay changed" {
		t.Errorf("apply.Log = %+v, %v, want the changed rows of orders.status in its last entry", log, err)
	}
}

// A contract that has dropped nothing yet can be undone; one that has dropped something is refused.
func TestAbortWithinContract(t *testing.T) {
	t.Parallel()
	db := pgservertest.Database(t, onward.OldestMajor)
	run(t, db, "CREATE TABLE a (id int PRIMARY KEY, v int, old int); CREATE TABLE b (id int); INSERT INTO a SELECT n, n FROM generate_series(1, 100) AS n")
	before := schema(t, db)
	p := handmade(t, db,
		onward.PlanStep{Class: onward.StepDDL, SQL: "ALTER TABLE a ADD COLUMN more int", Undo: "ALTER TABLE a DROP COLUMN IF EXISTS more"},
		onward.PlanStep{
			Phase:       onward.Contract,
			Class:       onward.StepConcurrent,
			Transaction: onward.TransactionNone,
			SQL:         "CREATE UNIQUE INDEX CONCURRENTLY a_v ON a (v);\n",
			Undo:        "DROP INDEX CONCURRENTLY IF EXISTS a_v",
		},
		onward.PlanStep{
			Phase: onward.Contract,
			Class: onward.StepDDL,
			SQL:   "ALTER TABLE a ADD CONSTRAINT a_v_set CHECK (v IS NOT NULL) NOT VALID",
			Undo:  "ALTER TABLE a DROP CONSTRAINT IF EXISTS a_v_set",
		},
		onward.PlanStep{Phase: onward.Contract, Class: onward.StepValidate, SQL: "ALTER TABLE a VALIDATE CONSTRAINT a_v_set"},
		onward.PlanStep{
			Phase: onward.Contract,
			Class: onward.StepDDL,
			SQL:   "ALTER TABLE a ALTER COLUMN v SET NOT NULL; ALTER TABLE a DROP CONSTRAINT a_v_set",
			Undo:  "ALTER TABLE a ALTER COLUMN v DROP NOT NULL",
		},
		onward.PlanStep{Phase: onward.Contract, Class: onward.StepDDL, SQL: "ALTER TABLE a DROP COLUMN old"},
		onward.PlanStep{Phase: onward.Contract, Class: onward.StepDDL, SQL: "DROP TABLE b"})
	came := false
	c := apply.Config{DB: db, Plan: p, Through: onward.Contract, To: p.Steps[4].ID, Tell: func(e apply.Event) {
		if e.Kind == apply.Begun && e.Step.ID == p.Steps[2].ID && !came {
			came = true
			run(t, db, "INSERT INTO a VALUES (101, NULL)")
		}
	}}
	refused := new(apply.RefusedError)
	if _, err := apply.Run(t.Context(), c); !errors.As(err, &refused) || refused.Step != p.Steps[3].ID ||
		!strings.Contains(refused.Text, "1 row of a violates check constraint a_v_set") {
		t.Fatal(err)
	}
	run(t, db, "DELETE FROM a WHERE id = 101")
	runPlan(t, c)
	if r, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil || r.State != onward.ApplyAbandoned || len(r.StayChanged) > 0 {
		t.Fatalf("abort within the contract = %+v, %v, want it abandoned without changed rows", r, err)
	}
	if diff := cmp.Diff(before, schema(t, db)); diff != "" {
		t.Errorf("schema (-before +after):\n%s", diff)
	}
	p.Steps[0].SQL = strings.Replace(p.Steps[0].SQL, "more", "another", 1) // another plan
	markProven(t, p)
	runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract, To: p.Steps[5].ID})
	if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); !errors.As(err, &refused) || refused.Step != p.Steps[5].ID {
		t.Fatal(err)
	}
}
