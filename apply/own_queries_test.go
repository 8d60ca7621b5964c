package apply_test

import (
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/pgserver/sentqueries"
	"github.com/onward-sql/onward/onward"
)

// Onward's own queries find nothing by the search_path of the database, whose owner may put functions and operators there.
func TestOwnQueries(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		var dbs [2]string
		var sent [2]*sentqueries.Recorder
		for i := range dbs {
			db := pgservertest.Database(t, major)
			run(t, db, base, rows)
			sent[i], dbs[i] = sentqueries.RecordQueries(t, db)
		}
		runEachCommand(t, dbs, p)
		var steps []string
		for i := range p.Steps {
			steps = append(steps, p.Steps[i].SQL, p.Steps[i].Undo)
		}
		for _, r := range sent {
			r.CheckQueries(t, 300, steps, "orders", "customers", "orders_customer_id_idx")
		}
	})
}

// runEachCommand begins a plan and takes it back in one database, and carries it out in the other one.
func runEachCommand(t *testing.T, dbs [2]string, p *onward.Plan) {
	t.Helper()
	runPlan(t, apply.Config{DB: dbs[0], Plan: p})
	if _, err := apply.Abort(t.Context(), apply.Config{DB: dbs[0]}, ""); err != nil {
		t.Error(err)
	}
	c := apply.Config{DB: dbs[1], Plan: p, Parallel: 2, To: p.Steps[backfillOf(t, p)].ID}
	c.Throttle.SQL = "SELECT false"
	runPlan(t, c)
	for _, word := range []apply.Command{apply.Pause, apply.Resume} {
		if _, err := apply.Control(t.Context(), c.DB, "", word, apply.Tuning{}, "me"); err != nil {
			t.Error(err)
		}
	}
	if _, err := apply.Status(t.Context(), c.DB); err != nil {
		t.Error(err)
	}
	if _, err := apply.Log(t.Context(), c.DB, "", 10); err != nil {
		t.Error(err)
	}
	c.To, c.Through, c.Evidence = "", onward.Contract, &apply.Evidence{GoneBecause: "a test", Window: -1}
	finishPlan(t, c)
}
