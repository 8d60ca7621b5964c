package apply_test

import (
	"regexp"
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
	runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Expand})
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
	runPlan(t, c)
	// The comparison reads the rows of a large chunk as the server likes.
	if rows := read() - before; batches < 20 || rows > 8*count {
		t.Errorf("%d batches read %d rows one after the other, of a table with %d", batches, rows, count)
	}
}

// dear finds the cost of a plan with a part that is switched off.
var dear = regexp.MustCompile(`cost=\d{10}`)

// The plan of a batch needs no kind of plan that is switched off, and does not read the whole table.
func TestBatchPlan(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	for major := onward.OldestMajor; major <= onward.NewestMajor; major++ {
		db := pgservertest.Database(t, major)
		run(t, db, base, "INSERT INTO orders SELECT g, 1, g, 'note', 'paid' FROM generate_series(1, 20000) AS g", "ANALYZE orders")
		runPlan(t, apply.Config{DB: db, Plan: p, Through: onward.Expand})
		conn := pgservertest.Connect(t, db)
		pgservertest.Exec(t, conn, strings.ReplaceAll(apply.PagePrices, "LOCAL ", ""))
		for _, rows := range []int{50, 1000, 10_000} {
			text := strings.Join(pgservertest.ReadTexts(t, conn, "EXPLAIN "+backfillStep(p).Sized(rows)), "\n")
			if !strings.Contains(text, "Nested Loop") || strings.Contains(text, "Disabled") || dear.MatchString(text) ||
				strings.Contains(text, "Seq Scan on orders ") {
				t.Errorf("Postgres %d, %d rows:\n%s", major, rows, text)
			}
		}
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

// The events have a total if no ANALYZE has run, too: from some pages, and from the keys.
func TestRowsOfUnanalyzedTable(t *testing.T) {
	t.Parallel()
	for _, major := range pgservertest.Ends() {
		for name, test := range map[string]struct{ schema, table, change string }{
			"one table": {base, "orders", "ALTER TABLE orders RENAME COLUMN note TO remark;"},
			"partitions": {
				"CREATE TABLE visits (id bigint, day int, what text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);\n" +
					"CREATE TABLE visits_1 PARTITION OF visits FOR VALUES FROM (0) TO (2);\nCREATE TABLE visits_2 PARTITION OF visits FOR VALUES FROM (2) TO (9);",
				"visits", "ALTER TABLE visits RENAME COLUMN what TO event;",
			},
		} {
			p := planned(t, test.schema, test.change)
			db := pgservertest.Database(t, major)
			fill := "INSERT INTO visits SELECT g, g % 9, 'what' FROM generate_series(1, 50000) AS g"
			if test.table == "orders" {
				fill = "INSERT INTO orders SELECT 2 * g, 1, 1, repeat('n', g % 40) FROM generate_series(1, 50000) AS g"
			}
			run(t, db, test.schema, fill)
			var total int64
			c := apply.Config{DB: db, Plan: p, To: backfillStep(p).ID, Tell: func(e apply.Event) {
				if e.Kind == apply.Passed {
					total = e.Of
				}
			}}
			runPlan(t, c)
			if total < 40_000 || total > 62_000 {
				t.Errorf("%s on Postgres %d: the events say that 50,000 rows are about %d", name, major, total)
			}
		}
	}
}
