package traffic

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

var zero = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }

// waited is one on users that waited on the relation from end to end.
func waited(kind, sql string, from, until int, relation string, lock onward.Lock) Query {
	return Query{Relation: "public.users", Kind: kind, SQL: sql, From: at(from), Until: at(until),
		Waits: []Wait{{Relation: relation, Lock: lock, From: at(from + 10), Until: at(until - 5)}}}
}

func held(statement int, relation string, lock onward.Lock, from, until int) Held {
	return Held{Statement: statement, Relation: relation, Lock: lock, From: at(from), Until: at(until)}
}

func TestStalls(t *testing.T) {
	t.Parallel()
	const users, orders = "public.users", "public.orders"
	const asRead, asWrite = onward.AccessShareLock, onward.RowExclusiveLock
	for _, c := range []struct {
		name    string
		queries []Query
		held    []Held
		want    []onward.Stall
		costs   map[int]Cost
	}{
		{"merged", []Query{
			waited(read, "SELECT", 100, 400, users, asRead),
			waited(write, "UPDATE", 50, 401, users, asWrite),
		}, []Held{held(2, users, onward.AccessExclusiveLock, 40, 400)}, []onward.Stall{
			{Span: onward.Span{FromMS: 50, UntilMS: 401}, Relation: users, Statement: 2, Kind: "read and write", Queries: 2, Query: "UPDATE"},
		}, map[int]Cost{2: {351 * time.Millisecond, 2}}},
		{"apart", []Query{
			waited(read, "SELECT", 100, 200, users, asRead),
			waited(read, "SELECT", 300, 350, users, asRead),
		}, []Held{held(0, users, onward.AccessExclusiveLock, 90, 200), held(1, users, onward.AccessExclusiveLock, 290, 350)}, []onward.Stall{
			{Span: onward.Span{FromMS: 100, UntilMS: 200}, Relation: users, Statement: 0, Kind: read, Queries: 1, Query: "SELECT"},
			{Span: onward.Span{FromMS: 300, UntilMS: 350}, Relation: users, Statement: 1, Kind: read, Queries: 1, Query: "SELECT"},
		}, map[int]Cost{0: {100 * time.Millisecond, 1}, 1: {50 * time.Millisecond, 1}}},
		// The index build stops writes only; the reads wait for what came after it.
		{"by the lock that conflicts", []Query{
			waited(write, "UPDATE", 10, 500, users, asWrite),
			waited(read, "SELECT", 300, 500, users, asRead),
		}, []Held{held(0, users, onward.ShareLock, 5, 500), held(1, users, onward.AccessExclusiveLock, 290, 500)}, []onward.Stall{
			{Span: onward.Span{FromMS: 10, UntilMS: 500}, Relation: users, Statement: 0, Kind: write, Queries: 1, Query: "UPDATE"},
			{Span: onward.Span{FromMS: 300, UntilMS: 500}, Relation: users, Statement: 1, Kind: read, Queries: 1, Query: "SELECT"},
		}, map[int]Cost{0: {490 * time.Millisecond, 1}, 1: {200 * time.Millisecond, 1}}},
		{"at the relation that the server named", []Query{
			waited(write, "INSERT", 100, 300, orders, onward.RowShareLock),
		}, []Held{held(0, users, onward.AccessExclusiveLock, 90, 300), held(1, orders, onward.ExclusiveLock, 95, 300)}, []onward.Stall{
			{Span: onward.Span{FromMS: 100, UntilMS: 300}, Relation: orders, Statement: 1, Kind: write, Queries: 1, Query: "INSERT"},
		}, map[int]Cost{1: {200 * time.Millisecond, 1}}},
		{"at a relation that is called otherwise", []Query{
			waited(read, "SELECT", 100, 300, "public.people", asRead),
		}, []Held{held(4, "public.persons", onward.AccessExclusiveLock, 90, 300), held(5, orders, onward.ShareLock, 90, 300)}, []onward.Stall{
			{Span: onward.Span{FromMS: 100, UntilMS: 300}, Relation: "public.people", Statement: 4, Kind: read, Queries: 1, Query: "SELECT"},
		}, map[int]Cost{4: {200 * time.Millisecond, 1}}},
		{"a row", []Query{
			waited(write, "UPDATE", 100, 300, "", onward.NoLock),
		}, []Held{held(0, users, onward.AccessShareLock, 0, 300), held(1, users, onward.RowExclusiveLock, 50, 300)}, []onward.Stall{
			{Span: onward.Span{FromMS: 100, UntilMS: 300}, Relation: users, Statement: 1, Kind: write, Queries: 1, Query: "UPDATE"},
		}, map[int]Cost{1: {200 * time.Millisecond, 1}}},
		{"unexplained", []Query{
			waited(read, "SELECT", 100, 300, users, asRead),
		}, []Held{held(0, users, onward.AccessExclusiveLock, 400, 500)}, []onward.Stall{
			{Span: onward.Span{FromMS: 100, UntilMS: 300}, Relation: users, Statement: -1, Kind: read, Queries: 1, Query: "SELECT"},
		}, map[int]Cost{}},
		{"before the release", []Query{
			waited(read, "SELECT", -300, -100, users, asRead),
		}, nil, nil, map[int]Cost{}},
		{"two waits of one query", []Query{
			{Relation: users, Kind: write, SQL: "INSERT", From: at(100), Until: at(600), Waits: []Wait{
				{Relation: users, Lock: asWrite, From: at(110), Until: at(290)},
				{Relation: orders, Lock: onward.RowShareLock, From: at(310), Until: at(590)},
			}},
		}, []Held{held(0, users, onward.ShareLock, 90, 300), held(1, orders, onward.ExclusiveLock, 301, 600)}, []onward.Stall{
			{Span: onward.Span{FromMS: 100, UntilMS: 310}, Relation: users, Statement: 0, Kind: write, Queries: 1, Query: "INSERT"},
			{Span: onward.Span{FromMS: 310, UntilMS: 600}, Relation: orders, Statement: 1, Kind: write, Queries: 1, Query: "INSERT"},
		}, map[int]Cost{0: {210 * time.Millisecond, 1}, 1: {290 * time.Millisecond, 1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := &Log{From: at(-500)}
			for _, q := range c.queries {
				log.addQuery(q)
			}
			log.endLog(at(1000))
			got, costs := SummariseLog(log, zero, c.held)
			if diff := cmp.Diff(append([]onward.Stall{}, c.want...), got.Stalls); diff != "" {
				t.Errorf("stalls (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.costs, costs); diff != "" {
				t.Errorf("costs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	log := &Log{From: at(-20), Long: &Long{From: at(-10), Until: at(200)}}
	plain := func(from, until int) Query {
		return Query{Relation: "public.users", Kind: read, SQL: "SELECT", From: at(from), Until: at(until)}
	}
	log.addQuery(plain(-15, -14)) // a warm one, before the axis begins
	for i := range 100 {
		log.addQuery(plain(i, i+1))
	}
	refused := plain(33, 34)
	refused.Err = &onward.ServerError{Code: "42703", Message: "first"}
	log.addQuery(refused)
	refused.From, refused.Until, refused.Err = at(50), at(51), &onward.ServerError{Code: "42703", Message: "second"}
	log.addQuery(refused)
	cancelledQuery := waited(read, "SELECT", 40, 95, "public.users", onward.AccessShareLock)
	cancelledQuery.Cancelled = true
	log.addQuery(cancelledQuery)
	log.endLog(at(100))
	got, _ := SummariseLog(log, zero, nil)
	want := &onward.Traffic{
		Source: "schema", Queries: 102, Waited: 1, Failed: 2, WorstMS: 55, SlotMS: 10, UsualMS: got.UsualMS,
		Slots: []onward.TrafficSlot{
			{WorstMS: 1, Done: 9}, {WorstMS: 1, Done: 10}, {WorstMS: 1, Done: 10}, {WorstMS: 1, Done: 11}, {WorstMS: 10, Done: 10},
			{WorstMS: 20, Done: 11}, {WorstMS: 30, Done: 10}, {WorstMS: 40, Done: 10}, {WorstMS: 50, Done: 10}, {WorstMS: 55, Done: 11},
		},
		Stalls: []onward.Stall{{
			Span:      onward.Span{FromMS: 40, UntilMS: 95},
			Relation:  "public.users",
			Statement: -1,
			Kind:      read,
			Queries:   1,
			Query:     "SELECT",
		}},
		Failures: []onward.TrafficFailure{{
			Relation: "public.users",
			Query:    "SELECT",
			Error:    onward.ServerError{Code: "42703", Message: "first"},
			AtMS:     34,
			Count:    2,
		}},
		LongTransaction: &onward.Span{FromMS: -10, UntilMS: 200},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.UsualMS < 0.95 || got.UsualMS > 1.05 {
		t.Errorf("usual %v ms, want 1", got.UsualMS)
	}
}

// A log of ten minutes is as small as one of ten seconds, and nothing is lost in
// the counts.
func TestBounded(t *testing.T) {
	t.Parallel()
	log := &Log{From: zero}
	const n = 60_000
	for i := range n {
		q := waited(write, "UPDATE", i*10, i*10+20+i%7, "public.users", onward.RowExclusiveLock)
		q.Err = &onward.ServerError{Code: "40P01"}
		log.addQuery(q)
	}
	log.endLog(at(n * 10))
	if len(log.Queries) > mostQueries || len(log.slots.list) > mostSlots || len(log.Failures) != 1 {
		t.Errorf("%d queries, %d slots, %d failures", len(log.Queries), len(log.slots.list), len(log.Failures))
	}
	got, _ := SummariseLog(log, zero, nil)
	if got.Waited != n || got.Queries != n || got.Failed != n || len(got.Slots) > mostShown || got.WorstMS != 26 {
		t.Errorf("waited %d, queries %d, failed %d, %d slots, worst %v ms", got.Waited, got.Queries, got.Failed, len(got.Slots), got.WorstMS)
	}
	if whole := float64(len(got.Slots)) * got.SlotMS; whole < n*10 || whole >= n*10+got.SlotMS {
		t.Errorf("%d slots of %v ms", len(got.Slots), got.SlotMS)
	}
}

func TestHeads(t *testing.T) {
	t.Parallel()
	ownPIDs := map[uint32]bool{1: true, 2: true, 3: true}
	waits := map[uint32]waitingSession{
		1: {by: []uint32{9}},
		2: {by: []uint32{1}},    // waits for 1, and so for 9
		3: {by: []uint32{2, 8}}, // waits for 2 and another
	}
	for pid, want := range map[uint32][]uint32{1: {9}, 2: {9}, 3: {8, 9}} {
		if diff := cmp.Diff(want, rootBlockers(pid, waits, ownPIDs)); diff != "" {
			t.Errorf("%d (-want +got):\n%s", pid, diff)
		}
	}
	if got := rootBlockers(2, map[uint32]waitingSession{2: {by: []uint32{1}}}, ownPIDs); len(got) > 0 {
		t.Errorf("the load waits for itself, and %v is to blame", got)
	}
}

// The table of conflicts is symmetric, and agrees with whom a lock blocks.
func TestConflicts(t *testing.T) {
	t.Parallel()
	for a := onward.AccessShareLock; a <= onward.AccessExclusiveLock; a++ {
		for b := onward.AccessShareLock; b <= onward.AccessExclusiveLock; b++ {
			if locksConflict(a, b) != locksConflict(b, a) {
				t.Errorf("%s and %s conflict one way", a, b)
			}
		}
		if locksConflict(a, onward.AccessShareLock) != a.BlocksReads() || locksConflict(a, onward.RowExclusiveLock) != a.BlocksWrites() {
			t.Errorf("%s stands in the way of other queries than it blocks", a)
		}
	}
}
