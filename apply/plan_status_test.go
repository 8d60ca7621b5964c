package apply_test

import (
	"context"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// The progress of a backfill that was ended has the rows of its table; other steps have none.
func TestPlanStatusCountsRows(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id integer PRIMARY KEY, note text);"
	p := planned(t, table, "UPDATE t SET note = upper(note) WHERE note <> upper(note);")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, table, "INSERT INTO t SELECT n, 'x' FROM generate_series(1, 5000) AS n", "ANALYZE t")
	if list, err := apply.ReadPlans(t.Context(), db); err != nil || len(list) > 0 {
		t.Fatalf("before: %v, %v", list, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := apply.Run(ctx, apply.Config{DB: db, Plan: p, Tell: func(e apply.Event) {
		if e.Kind == apply.Passed {
			cancel()
		}
	}})
	if err == nil {
		t.Fatal("the run was not ended")
	}
	list, err := apply.ReadPlans(t.Context(), db)
	if err != nil || len(list) != 1 {
		t.Fatalf("apply.ReadPlans = %+v, %v, want 1 plan", list, err)
	}
	if got, want := list[0].Plan.Steps[len(list[0].Plan.Steps)-1].ID, p.Steps[len(p.Steps)-1].ID; got != want {
		t.Errorf("the plan ends with %s, not %s", got, want)
	}
	found := false
	for i, s := range list[0].Applied.Steps {
		started := p.Steps[i].Backfill != nil && s.Rows > 0
		found = found || started
		if started && (s.Of != 5000 || s.Rows >= 5000) || !started && s.Of != 0 {
			t.Errorf("%s: %d of %d rows", s.ID, s.Rows, s.Of)
		}
	}
	if !found {
		t.Errorf("no backfill was begun: %+v", list[0].Applied.Steps)
	}
}
