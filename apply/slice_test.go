package apply_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A plan in slices has the same result as in one call. Long steps run only in slices that allow them.
func TestSlices(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	whole, db := pgservertest.Database(t, onward.NewestMajor), pgservertest.Database(t, onward.NewestMajor)
	for _, url := range []string{whole, db} {
		run(t, url, base, rows)
	}
	c := apply.Config{DB: whole, Plan: p, Through: onward.Contract}
	runPlan(t, c)
	long := map[string]bool{}
	finished := map[string]bool{} // long steps that a short slice has run
	count := map[bool]int{}
	c.DB, c.Slice = db, &apply.Slice{Length: 200 * time.Millisecond}
	classes := map[string]onward.StepClass{}
	for i := range p.Steps {
		classes[p.Steps[i].ID] = p.Steps[i].Class
	}
	c.Tell = func(e apply.Event) {
		if e.Kind == apply.Finished && !c.Slice.Long {
			switch classes[e.Step.ID] {
			case onward.StepValidate, onward.StepConcurrent, onward.StepWork:
				finished[e.Step.ID] = true
			}
		}
	}
	for end := time.Now().Add(time.Minute); ; {
		_, err := apply.Run(t.Context(), c)
		if err == nil {
			break
		}
		sliceError := new(apply.SliceError)
		if !errors.As(err, &sliceError) || time.Now().After(end) {
			t.Fatal(err)
		}
		count[c.Slice.Long]++
		if sliceError.Long {
			long[sliceError.Step] = true
			if classes[sliceError.Step] == onward.StepBackfill || classes[sliceError.Step] == onward.StepDDL {
				t.Errorf("%s, of class %s, is long", sliceError.Step, classes[sliceError.Step])
			}
		}
		c.Slice.Long, c.Slice.Before = sliceError.Long, sliceError
	}
	if len(finished) > 0 || len(long) < 2 || count[false] < 3 || count[true] < 2 {
		t.Errorf("long steps in short slices: %v; long: %v; slices: %v", finished, long, count)
	}
	if diff := cmp.Diff(schema(t, whole), schema(t, db)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(content(t, whole, "SELECT id || remark || status FROM orders ORDER BY id"),
		content(t, db, "SELECT id || remark || status FROM orders ORDER BY id")); diff != "" {
		t.Error(diff)
	}
}

// The time for which others block a step is counted over all slices, and progress ends it.
func TestSlicesWaitTogether(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN extra int;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base)
	blocker := pgservertest.Connect(t, db)
	pgservertest.Exec(t, blocker, "BEGIN", "LOCK TABLE orders IN ACCESS SHARE MODE")
	c := apply.Config{DB: db, Plan: p, Within: 1500 * time.Millisecond, Slice: &apply.Slice{Length: 200 * time.Millisecond}}
	slices := 0
	for ; ; slices++ {
		_, err := apply.Run(t.Context(), c)
		sliceError, unfinished := new(apply.SliceError), new(apply.UnfinishedError)
		if errors.As(err, &unfinished) {
			break
		}
		if !errors.As(err, &sliceError) || sliceError.Waited == 0 || len(sliceError.InTheWay) == 0 || slices > 20 {
			t.Fatalf("apply = %v, want a SliceError with its wait and its blocker: %+v", err, sliceError)
		}
		c.Slice.Before = sliceError
	}
	if slices < 2 {
		t.Errorf("%d slices", slices)
	}
	pgservertest.Exec(t, blocker, "ROLLBACK")
	c.Slice = &apply.Slice{Length: time.Minute} // a busy machine may not end the step in a short one
	if _, err := apply.Run(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// A slice does not wait for another process, and a closed channel ends it.
func TestSliceEndsEarly(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	holder, err := apply.Open(t.Context(), apply.Config{DB: db, Plan: p})
	if err != nil {
		t.Fatal(err)
	}
	c := apply.Config{DB: db, Plan: p, Slice: &apply.Slice{Length: time.Hour, Long: true}}
	began := time.Now()
	if _, err := apply.Run(t.Context(), c); !errors.As(err, new(*apply.HeldError)) || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	holder.Close(context.Background())
	stop := make(chan struct{})
	close(stop)
	c.Slice.Stop = stop
	sliceError := new(apply.SliceError)
	if _, err := apply.Run(t.Context(), c); !errors.As(err, &sliceError) {
		t.Error(err)
	}
}
