package apply_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A batch finds its rows by their key, even if it is so large a part of the table that the server would rather read the whole table.
func TestBatchesReadByKey(t *testing.T) {
	t.Parallel()
	const count = 60_000
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	db := pgservertest.Database(t, onward.NewestMajor)
	run(t, db, base, "INSERT INTO orders SELECT g, 1, g, 'note', 'paid' FROM generate_series(1, "+strconv.Itoa(count)+") AS g", "ANALYZE orders")
	if _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p, Through: onward.Expand}); err != nil {
		t.Fatal(err)
	}
	read := func() int {
		n, err := strconv.Atoi(strings.Join(content(t, db, "SELECT seq_tup_read::text FROM pg_stat_user_tables WHERE relname = 'orders'"), ""))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := read()
	if _, err := apply.Control(t.Context(), db, "", apply.Tune, apply.Tuning{Rows: 3000, Rest: -1}, "a test"); err != nil {
		t.Fatal(err)
	}
	batches := 0
	c := apply.Config{DB: db, Plan: p, To: backfillStep(p).ID, Tell: func(e apply.Event) {
		if e.Kind == apply.Passed {
			batches++
		}
	}}
	if _, err := apply.Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	// The comparison reads the rows of a large chunk as the server likes.
	if rows := read() - before; batches < 20 || rows > 8*count {
		t.Errorf("%d batches read %d rows one after the other, of a table with %d", batches, rows, count)
	}
}

// backfillStep returns the first backfill of a plan.
func backfillStep(p *onward.Plan) *onward.PlanStep {
	for i := range p.Steps {
		if p.Steps[i].Repeat {
			return &p.Steps[i]
		}
	}
	return nil
}
