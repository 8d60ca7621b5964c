package apply_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestChunksOfRows looks for wrong rows in tables of several chunks. A statement over all rows would end at its limit, which is reported as
// rows that were not checked.
func TestChunksOfRows(t *testing.T) {
	t.Parallel()
	// The hash of a bigint is one of 32 bits: 0 and 4294967297 have the same.
	const collision = "INSERT INTO a VALUES (5001, 0, 'x'), (5002, 4294967297, 'y'); "
	cases := map[string]struct {
		setup, index, want string
		steps              []onward.PlanStep
		from               int
	}{
		"keys in distant chunks": {
			setup: "CREATE TABLE a (id bigint PRIMARY KEY, v bigint, w text); INSERT INTO a SELECT n, 1 + n % 4990, 'x' FROM generate_series(1, 5000) AS n; " +
				collision,
			steps: indexed("a", "a_v", "(v)"), want: "10 keys occur more than once in a, which violates unique index a_v",
		},
		"equal hashes of different keys": {
			setup: "CREATE TABLE a (id bigint PRIMARY KEY, v bigint, w text); INSERT INTO a SELECT n, n, 'x' FROM generate_series(1, 5000) AS n; " + collision,
			steps: indexed("a", "a_v", "(v)"),
		},
		"a key of two columns": {
			setup: "CREATE TABLE a (id bigint, v bigint, w text, PRIMARY KEY (w, id)); INSERT INTO a SELECT n, n / 2, " +
				"CASE WHEN n = 4000 THEN 'x' ELSE 'x' || n % 2 END FROM generate_series(1, 5000) AS n; " +
				"UPDATE a SET w = 'x', v = 2000 WHERE id = 9; UPDATE a SET v = NULL WHERE id < 5",
			steps: indexed("a", "a_v", "(w, v)"), want: "1 key occurs more than once in a",
		},
		"numbers that are written in two ways": {
			setup: "CREATE TABLE a (id int PRIMARY KEY, v numeric); INSERT INTO a SELECT n, n FROM generate_series(1, 5000) AS n; UPDATE a SET v = 1.00 WHERE id = 5000",
			steps: indexed("a", "a_v", "(v)"), want: "1 key occurs more than once in a",
		},
		"NULLS NOT DISTINCT": {
			setup: "CREATE TABLE a (id int PRIMARY KEY, v int); INSERT INTO a SELECT n, nullif(n % 4999, 0) FROM generate_series(1, 4999) AS n; " +
				"INSERT INTO a VALUES (6000)",
			steps: indexed("a", "a_v", "(v) NULLS NOT DISTINCT"), want: "1 key occurs more than once in a", from: 15,
		},
		"a table without a key": {
			setup: "CREATE TABLE a (v bigint, w text); INSERT INTO a SELECT n, repeat('x', 200) FROM generate_series(1, 5000) AS n",
			steps: indexed("a", "a_v", "(v)"),
		},
		"a condition of a table without a key": {
			setup: "CREATE TABLE a (v bigint, w text); INSERT INTO a SELECT n, repeat('x', 200) FROM generate_series(1, 5000) AS n",
			steps: constrained("a", "a_v", "CHECK (v % 7 > 0 AND md5(repeat(w, 20)) <> '')"), want: "714 rows of a violate check constraint a_v",
		},
		"partitions without a key": {
			setup: "CREATE TABLE a (v bigint, w text) PARTITION BY RANGE (v); CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (0) TO (2000); " +
				"CREATE TABLE a2 (w text, v bigint); " +
				"ALTER TABLE a ATTACH PARTITION a2 FOR VALUES FROM (2000) TO (9000); INSERT INTO a SELECT n, repeat('x', 200) FROM generate_series(1, 5000) AS n",
			steps: constrained("a", "a_v", "CHECK (v % 7 > 0 AND md5(repeat(w, 20)) <> '')"), want: "714 rows of a violate check constraint a_v",
		},
	}
	for _, major := range pgservertest.Ends() {
		for name, c := range cases {
			if major < c.from {
				continue
			}
			t.Run(fmt.Sprintf("%s on %d", name, major), func(t *testing.T) {
				t.Parallel()
				db := pgservertest.Database(t, major)
				run(t, db, c.setup)
				var events teller
				config := apply.Config{DB: db, Plan: handmade(t, db, c.steps...), Tell: events.tell}
				r, err := apply.RunSearch(t.Context(), config, time.Millisecond, 700)
				refused := new(apply.RefusedError)
				switch {
				case events.has(apply.Unchecked, ""):
					t.Errorf("not checked: %+v", events.list)
				case c.want == "" && (err != nil || r.State != onward.ApplyDone):
					t.Errorf("apply = %+v, %v, want it done", r, err)
				case c.want != "" && (!errors.As(err, &refused) || !strings.Contains(refused.Text, ": "+c.want)):
					t.Errorf("%v instead of %q", err, c.want)
				}
			})
		}
	}
}

// TestUncheckedRows builds a unique index on a type that the server cannot hash. One statement reads all rows. If that takes too long, the
// rows are not checked before, which is reported.
func TestUncheckedRows(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{time.Minute, 20 * time.Millisecond} {
		db := pgservertest.Database(t, onward.NewestMajor)
		run(t, db, "CREATE TABLE a (id int PRIMARY KEY, v bit(32)); INSERT INTO a SELECT n, n::bit(32) FROM generate_series(1, 300000) AS n")
		var events teller
		config := apply.Config{DB: db, Plan: handmade(t, db, indexed("a", "a_v", "(v)")...), Tell: events.tell}
		if r, err := apply.RunSearch(t.Context(), config, limit, 0); err != nil || r.State != onward.ApplyDone {
			t.Fatalf("apply with a limit of %s = %+v, %v, want it done", limit, r, err)
		}
		if late := limit < time.Second; events.has(apply.Unchecked, "took longer than 20ms") != late || events.has(apply.Unchecked, "") != late {
			t.Errorf("limit %s: %+v", limit, events.list)
		}
	}
}
