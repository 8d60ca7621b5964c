package backfill

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// A batch grows or shrinks towards its duration, at most by half or twofold.
func TestNextSize(t *testing.T) {
	t.Parallel()
	p := pace{most: 1500, time: 100 * time.Millisecond}
	for _, c := range []struct {
		size int
		took time.Duration
		want int
	}{
		{1000, 100 * time.Millisecond, 1000},
		{1000, time.Second, 500},
		{600, time.Millisecond, 1200},
		{1000, time.Millisecond, 1500},
		{60, time.Second, FewestRows},
	} {
		if got := p.nextSize(c.size, c.took); got != c.want {
			t.Errorf("%d rows in %s: %d instead of %d", c.size, c.took, got, c.want)
		}
	}
}

func TestKeyRange(t *testing.T) {
	t.Parallel()
	where, args := keyRangeCondition([]string{"a", "b"}, []string{"bigint", "text"}, []string{"1", "x"}, []string{"2", "y"})
	if want := "true AND (t.a, t.b) > ($1::pg_catalog.text::bigint, $2::pg_catalog.text::text) AND (t.a, t.b) <= ($3::pg_catalog.text::bigint, $4::pg_catalog.text::text)"; where != want {
		t.Errorf("keyRangeCondition = %q, want %q", where, want)
	}
	if diff := cmp.Diff([]any{"1", "x", "2", "y"}, args); diff != "" {
		t.Error(diff)
	}
	if where, args := keyRangeCondition([]string{"a"}, []string{"bigint"}, nil, nil); where != "true" || args != nil {
		t.Errorf("keyRangeCondition without bounds = %q, %v, want true without arguments", where, args)
	}
}

// The rows of a chunk are counted on a server, and the chunk after the last one ends the part.
func TestCountWrong(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major, "CREATE TABLE orders AS SELECT n AS id, n % 3 AS v FROM generate_series(1, 10) AS n")
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := &onward.PlanComparison{Table: "orders", Keys: []string{"id"}, Wrong: "t.v = 0"}
		v := &ledger.Verification{}
		for _, want := range []ledger.Verification{
			{Rows: 6, Wrong: 2, Cursor: []string{"6"}},
			{Rows: 10, Wrong: 3, Part: 1},
		} {
			chunk, err := countWrong(t.Context(), tx, c, v, 6)
			if err != nil {
				t.Fatal(err)
			}
			chunk.addToPass(v)
			if diff := cmp.Diff(want, *v); diff != "" {
				t.Errorf("Postgres %d: %s", major, diff)
			}
		}
		v.Cursor = []string{"10"}
		if chunk, err := countWrong(t.Context(), tx, c, v, 6); chunk != nil || err != nil || v.Part != 2 || v.Cursor != nil {
			t.Errorf("Postgres %d: %+v %+v %v", major, chunk, v, err)
		}
	})
}

// A row that cannot be repaired is found by halving, and left out afterwards.
func TestChunkRepair(t *testing.T) {
	t.Parallel()
	m := &chunkRepair{}
	for m.batchSize() > 1 {
		m.halvings++
	}
	m.skippedKeys = [][]string{{"7"}}
	m.widenBatch()
	sql, args := m.batchQuery(&onward.PlanComparison{Table: "orders", Keys: []string{"id"}, Wrong: "t.v = 0"}, []string{"int"}, "true", nil)
	want := "SELECT t.id AS onward_key1 FROM orders AS t WHERE true AND NOT (t.id = $1::pg_catalog.text::int) AND (t.v = 0) ORDER BY t.id LIMIT " +
		strconv.Itoa(m.batchSize())
	if diff := cmp.Diff(want, sql); diff != "" || len(args) != 1 || m.batchSize() == 1 {
		t.Errorf("batchQuery (-want +got):\n%s\nits arguments: %v", diff, args)
	}
}

// A search that finds too many hashes keeps a part of them, and reads the others in later walks.
func TestLimitHashes(t *testing.T) {
	t.Parallel()
	d := &duplicateSearch{hashes: []int64{1, 2, 3, 4, 4, 8}}
	d.limitHashes(3)
	if diff := cmp.Diff([]int64{4, 4, 8}, d.hashes); diff != "" || d.mask != 3 {
		t.Errorf("%s, mask %d", diff, d.mask)
	}
	if diff := cmp.Diff([]int64{4}, sortedDuplicates(d.hashes)); diff != "" {
		t.Error(diff)
	}
}

// The foreign keys that a plan made or renamed are looked for under the names of the steps.
func TestNamesInSteps(t *testing.T) {
	t.Parallel()
	got, err := namesInSteps([]onward.PlanStep{
		{SQL: "ALTER TABLE s.orders ADD CONSTRAINT a FOREIGN KEY (p) REFERENCES people"},
		{SQL: "ALTER TABLE orders RENAME CONSTRAINT b TO c; ALTER TABLE orders RENAME TO sales"},
	})
	want := stepNames{relations: []string{"s.orders", "orders", "orders", "sales"}, constraints: []string{"a", "c"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(stepNames{})); diff != "" || err != nil {
		t.Errorf("namesInSteps (-want +got):\n%s\nits error: %v", diff, err)
	}
}
