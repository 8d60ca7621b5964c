package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A table that gets another name in the middle of a plan is named, also if another one has its name. Nothing is changed, and with its former name the
// plan goes on. A table that was dropped and restored is known by its name.
func TestTableRenamed(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	runPlan(t, apply.Config{DB: db, Plan: p})
	refusals := func(want string) {
		t.Helper()
		c := apply.Config{DB: db, Through: onward.Contract}
		_, continued := apply.Continue(t.Context(), c, "")
		_, aborted := apply.Abort(t.Context(), c, "")
		_, verified := apply.Verify(t.Context(), c, "")
		for _, err := range []error{continued, aborted, verified} {
			if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(refused.Text, want) {
				t.Errorf("after the rename: %v, want a refusal with %q", err, want)
			}
		}
	}
	run(t, db, "CREATE SCHEMA old", "ALTER TABLE orders SET SCHEMA old")
	refusals("is now called old.orders. Nothing was changed")
	run(t, db, "CREATE TABLE orders (LIKE old.orders)")
	refusals("is now called old.orders, and another one is called public.orders: nobody says which of them is meant")
	run(t, db, "DROP TABLE orders", "ALTER TABLE old.orders SET SCHEMA public", "ALTER TABLE customers RENAME TO clients") // which no step names
	finishPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Contract})
	run(t, db, "ALTER TABLE orders RENAME TO done")
	if r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Contract}); err != nil || r.State != onward.ApplyDone {
		t.Errorf("a plan that is done needs no table: %+v %v", r, err)
	}
}

// The exchange of a table and its undo are the plan's own.
func TestTableExchanged(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders ADD COLUMN loud text GENERATED ALWAYS AS (upper(note)) STORED;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, rows)
	runPlan(t, apply.Config{DB: db, Plan: p})
	if _, err := apply.Abort(t.Context(), apply.Config{DB: db}, ""); err != nil {
		t.Fatal(err)
	}
	secondPlan := planned(t, base, "ALTER TABLE orders ADD COLUMN loud text GENERATED ALWAYS AS (upper(status)) STORED;")
	runPlan(t, apply.Config{DB: db, Plan: secondPlan})
	finishPlan(t, apply.Config{DB: db, Plan: secondPlan, Through: onward.Contract})
}
