package apply_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// until waits for something that comes, or fails.
func until(t testing.TB, event string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come: " + event)
		}
	}
}

// filling is a database whose plan is done but for its backfills.
func filling(t testing.TB) (db string, p *onward.Plan) {
	t.Helper()
	p = planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	db = pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Expand})
	return db, p
}

// filled is how many rows a backfill has passed, as the ledger has it.
func filled(t testing.TB, db string) string {
	return strings.Join(content(t, db, "SELECT coalesce(sum(rows), 0)::text FROM onward_ledger.step"), "")
}

// background runs something, and gives its result.
func background[T any](f func() (T, error)) func() (T, error) {
	type result struct {
		v   T
		err error
	}
	results := make(chan result, 1)
	go func() {
		v, err := f()
		results <- result{v, err}
	}()
	return func() (T, error) {
		r := <-results
		return r.v, r.err
	}
}

// The user's own query, and then the health check, stop a backfill before its first batch, and the reason is
// reported. The backfill resumes when they allow it.
func TestThrottled(t *testing.T) {
	t.Parallel()
	db, p := filling(t)
	run(t, db, "CREATE TABLE brake AS SELECT 3 AS n")
	var sick atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(server.Close)
	var events teller
	end := background(func() (*onward.Applied, error) {
		return apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Tell: events.tell, Throttle: apply.Limits{SQL: "SELECT n FROM brake;", Health: server.URL}})
	})
	until(t, "the query's word", func() bool { return events.has(apply.Throttled, "stopped: the query of --throttle-sql says 3") })
	if got := filled(t, db); got != "0" {
		t.Errorf("%s rows were passed", got)
	}
	if list, err := apply.Status(t.Context(), db); err != nil || !strings.Contains(list[0].Steps[lastBegun(list[0])].Note, "says 3") {
		t.Errorf("status does not say why: %+v %v", list, err)
	}
	sick.Store(true)
	run(t, db, "UPDATE brake SET n = 0")
	until(t, "the health check's word", func() bool { return events.has(apply.Throttled, "answers 503") })
	if got := filled(t, db); got != "0" {
		t.Errorf("%s rows were passed", got)
	}
	sick.Store(false)
	if _, err := end(); err != nil {
		t.Fatal(err)
	}
	if got := filled(t, db); got != "6000" || !events.has(apply.Throttled, "goes on") {
		t.Errorf("%s rows were passed", got)
	}
}

func lastBegun(a *onward.Applied) int {
	last := 0
	for i := range a.Steps {
		if a.Steps[i].State != onward.ApplyPending {
			last = i
		}
	}
	return last
}

// A health check that cannot be asked is a bad one: not even a step of expand is begun.
func TestHealthFailsClosed(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN more text;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base)
	before := schema(t, db)
	_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Within: time.Second, Throttle: apply.Limits{Health: "exit 3"}})
	unfinished := new(apply.UnfinishedError)
	if !errors.As(err, &unfinished) || !strings.Contains(err.Error(), "exit code 3") {
		t.Errorf("apply with a failing health check = %v, want exit code 3", err)
	}
	if diff := cmp.Diff(before, schema(t, db)); diff != "" {
		t.Error(diff)
	}
}

// Who is at another terminal has a backfill pause, go on, go otherwise, and end.
func TestControl(t *testing.T) {
	t.Parallel()
	db, p := filling(t)
	say := func(command apply.Command, tune apply.Tuning) {
		t.Helper()
		if _, err := apply.Control(t.Context(), db, "", command, tune, "the night shift"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := apply.Control(t.Context(), db, "", apply.Cancel, apply.Tuning{}, "nobody"); err == nil {
		t.Error("there was nobody to cancel")
	}
	say(apply.Pause, apply.Tuning{})
	say(apply.Tune, apply.Tuning{Rows: 60, Rest: 1.5})
	var events teller
	end := background(func() (*onward.Applied, error) {
		return apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Tell: events.tell})
	})
	until(t, "the pause", func() bool { return events.has(apply.Throttled, "paused by the night shift") })
	if got := filled(t, db); got != "0" {
		t.Errorf("%s rows were passed", got)
	}
	say(apply.Resume, apply.Tuning{})
	until(t, "a batch", func() bool { return events.has(apply.Passed, "") })
	say(apply.Cancel, apply.Tuning{})
	_, err := end()
	unfinished := new(apply.UnfinishedError)
	if !errors.As(err, &unfinished) || !strings.Contains(err.Error(), "cancelled by the night shift") {
		t.Fatal(err)
	}
	events.mu.Lock()
	for _, e := range events.list {
		if e.Kind == apply.Passed && e.Rows > 60 {
			t.Errorf("a batch of %d rows", e.Rows)
		}
	}
	events.mu.Unlock()
	if got := filled(t, db); got == "6000" || got == "0" {
		t.Errorf("%s rows were passed before the end", got)
	}
	say(apply.Tune, apply.Tuning{Rows: 5000})
	list, err := apply.Continue(t.Context(), apply.Config{DB: db, Through: onward.Backfill}, "")
	if err != nil || len(list) != 1 || filled(t, db) != "6000" {
		t.Errorf("continue with larger batches = %+v, %v, want 1 plan and 6000 rows filled", list, err)
	}
}

// A plan can be aborted at any point: nothing of it is left, and it cannot be started again. A plan whose contract
// has begun cannot be aborted.
func TestAbort(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	for _, until := range []int{1, len(p.Steps) / 2, p.Contract()} {
		db := pgservertest.Database(t, onward.NewestMajor)
		run(t, db, base, rows)
		before, wantRows := schema(t, db), content(t, db, was)
		c := apply.Config{DB: db, Plan: p, To: p.Steps[until-1].ID}
		runPlan(t, c)
		r, err := apply.Abort(t.Context(), apply.Config{DB: db}, "")
		if err != nil || r.State != onward.ApplyAbandoned {
			t.Fatalf("abort after %s = %+v, %v, want it abandoned", c.To, r, err)
		}
		if diff := cmp.Diff(before, schema(t, db)); diff != "" {
			t.Errorf("through %s (-before +after):\n%s", c.To, diff)
		}
		if diff := cmp.Diff(wantRows, content(t, db, was)); diff != "" && !strings.Contains(release, "UPDATE") {
			t.Errorf("through %s (-before +after):\n%s", c.To, diff)
		}
		if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err == nil {
			t.Error("taken back twice")
		}
		runPlan(t, c) // begins again
		if r, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil || r.State != onward.ApplyAbandoned {
			t.Fatalf("the second abort after %s = %+v, %v, want it abandoned", c.To, r, err)
		}
	}
}

const was = "SELECT id || '|' || customer_id || '|' || amount || '|' || note FROM orders ORDER BY id"

// A contract waits for the sessions of the old release, by name; after that nothing can be undone.
func TestContract(t *testing.T) {
	t.Parallel()
	db, p := filling(t)
	refused := new(apply.RefusedError)
	c := apply.Config{DB: db, Through: onward.Contract, Gone: apply.LikePattern("shop_v2.4")}
	if _, err := apply.Continue(t.Context(), c, ""); !errors.As(err, &refused) || !strings.Contains(err.Error(), "not so far") {
		t.Fatal(err)
	}
	runPlan(t, apply.Config{DB: db, Plan: p})
	old, other := pgservertest.Connect(t, db), pgservertest.Connect(t, db)
	pgservertest.Exec(t, old, "SET application_name = 'web shop_v2.4 worker'")
	if _, err := other.Exec(t.Context(), "SET application_name = 'web shopXv2.4'"); err != nil { // _ is no wildcard
		t.Fatal(err)
	}
	if _, err := apply.Continue(t.Context(), c, ""); !errors.As(err, &refused) ||
		!strings.Contains(err.Error(), "1 session on this database: web shop_v2.4 worker") {
		t.Fatal(err)
	}
	_ = old.Close(context.Background())
	until(t, "the end of the old release", func() bool {
		return len(content(t, db, "SELECT 'x' FROM pg_stat_activity WHERE application_name = 'web shop_v2.4 worker'")) == 0
	})
	// The previous step drops only the plan's own objects: it can be undone.
	first := p.Steps[slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return strings.Contains(s.SQL, "DROP COLUMN") })].ID
	c.To = first
	if _, err := apply.Continue(t.Context(), c, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); !errors.As(err, &refused) || refused.Step != first {
		t.Errorf("taken back behind %s: %v", first, err)
	}
	c.To = ""
	if list, err := apply.Continue(t.Context(), c, ""); err != nil || list[0].State != onward.ApplyDone {
		t.Errorf("the contract = %+v, %v, want it done", list, err)
	}
}
