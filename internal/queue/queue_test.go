package queue

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// Who holds a lock that conflicts is in the way once its transaction is old enough, on a partition too; who
// holds one that does not is not, nor is a young one.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		ask, reader, vacant := pgservertest.Connect(t, url), pgservertest.Connect(t, url), pgservertest.Connect(t, url)
		pgservertest.Exec(t, ask, `CREATE TABLE t (id int, day date) PARTITION BY RANGE (day)`,
			`CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`, `CREATE TABLE "Odd.name" (id int)`)
		pgservertest.Exec(t, reader, "SET application_name = 'nightly'", "BEGIN", "SELECT FROM t_1")
		pgservertest.Exec(t, vacant, "BEGIN", `SELECT FROM "Odd.name"`)
		time.Sleep(60 * time.Millisecond)
		in := func(w WantedLock, age time.Duration) []Blocker {
			t.Helper()
			list, err := (&LockQueue{Wanted: []WantedLock{w}, Age: age}).InTheWay(t.Context(), ask)
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		list := in(WantedLock{"public.t", onward.AccessExclusiveLock}, 50*time.Millisecond)
		if len(list) != 1 || list[0].PID != int(reader.PgConn().PID()) || list[0].Lock != onward.AccessShareLock || list[0].Age < 50*time.Millisecond {
			t.Errorf("in the way: %+v", list)
		} else if words := list[0].String(); !strings.Contains(words, "nightly), idle in transaction, for ") ||
			!strings.HasSuffix(words, "holds ACCESS SHARE on public.t") {
			t.Errorf("the blocker is described as %q, want its program, its state and its lock", words)
		}
		if list := in(WantedLock{"public.t", onward.ShareUpdateExclusiveLock}, 0); len(list) > 0 {
			t.Errorf("a reader is in nobody's way here: %v", list)
		}
		if list := in(WantedLock{"public.t", onward.AccessExclusiveLock}, time.Hour); len(list) > 0 {
			t.Errorf("too young: %v", list)
		}
		if list := in(WantedLock{"public.Odd.name", onward.AccessExclusiveLock}, 0); len(list) != 1 {
			t.Errorf("a name with a dot: %v", list)
		}
	})
}

// A prepared transaction has no process, and is reported by its name.
func TestPrepared(t *testing.T) {
	t.Parallel()
	s, err := pgserver.Start(t.Context(), pgserver.Config{Major: onward.NewestMajor, Small: true, Settings: map[string]string{"max_prepared_transactions": "2"}})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	ask := pgservertest.Connect(t, s.URL("postgres"))
	pgservertest.Exec(t, ask, "CREATE TABLE p (id int)", "BEGIN", "INSERT INTO p VALUES (1)", "PREPARE TRANSACTION 'two phases'")
	list, err := (&LockQueue{Wanted: []WantedLock{{"public.p", onward.AccessExclusiveLock}}}).InTheWay(t.Context(), ask)
	if err != nil || len(list) != 1 || !strings.HasPrefix(list[0].String(), `the prepared transaction "two phases", for `) {
		t.Errorf("InTheWay = %v, %v, want the prepared transaction", list, err)
	}
}

// A role that may not see how old a transaction is learns it by looking twice.
func TestHiddenAge(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, onward.NewestMajor)
	ask, reader := pgservertest.Connect(t, url), pgservertest.Connect(t, url)
	pgservertest.Exec(t, ask, "CREATE TABLE t ()", fmt.Sprintf("CREATE ROLE blind_%d", ask.PgConn().PID()), fmt.Sprintf("SET ROLE blind_%d", ask.PgConn().PID()))
	pgservertest.Exec(t, reader, "BEGIN", "SELECT FROM t")
	t.Cleanup(func() {
		ctx := context.Background()
		_, _ = ask.Exec(ctx, "RESET ROLE")
		_, _ = ask.Exec(ctx, fmt.Sprintf("DROP ROLE blind_%d", ask.PgConn().PID()))
	})
	line := &LockQueue{Wanted: []WantedLock{{"public.t", onward.AccessExclusiveLock}}, Age: 20 * time.Millisecond}
	list, err := line.InTheWay(t.Context(), ask)
	if err != nil || len(list) != 1 || !strings.Contains(list[0].String(), "may not see") {
		t.Errorf("InTheWay without the right to see ages = %v, %v, want one blocker", list, err)
	}
	pgservertest.Exec(t, reader, "COMMIT")
	if list, err = line.InTheWay(t.Context(), ask); err != nil || len(list) > 0 {
		t.Errorf("gone: %v %v", list, err)
	}
}

// Sessions that wait for a waiter count too.
func TestBehind(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		ask, holder, second, third := pgservertest.Connect(t, url), pgservertest.Connect(t, url), pgservertest.Connect(t, url), pgservertest.Connect(t, url)
		pgservertest.Exec(t, ask, "CREATE TABLE t ()")
		pgservertest.Exec(t, holder, "BEGIN", "SELECT FROM t")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		pgservertest.Exec(t, second, "BEGIN")
		go func() { _, _ = second.Exec(ctx, "LOCK TABLE t IN ACCESS EXCLUSIVE MODE") }()
		join := sync.OnceFunc(func() { go func() { _, _ = third.Exec(ctx, "SELECT FROM t") }() })
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			tail, err := ReadWaiters(t.Context(), ask, int(holder.PgConn().PID()))
			if err != nil {
				t.Fatal(err)
			}
			if tail.Count == 1 {
				join()
			}
			if tail.Count == 2 && tail.Longest > 50*time.Millisecond {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("after 10 s the waiters are %+v, want 2, and a wait above 50 ms", tail)
			}
		}
	})
}

// The same blockers are reported once; new ones are reported once a second.
func TestTeller(t *testing.T) {
	t.Parallel()
	var teller BlockerReporter
	reports := 0
	for i := range 50 {
		if teller.ShouldReport([]Blocker{{PID: 1 + i}}) {
			reports++
		}
	}
	if reports != 1 {
		t.Errorf("told %d times in a moment", reports)
	}
	teller.at = time.Now().Add(-2 * time.Second)
	if teller.ShouldReport([]Blocker{{PID: 1}}) || !teller.ShouldReport([]Blocker{{PID: 2}}) {
		t.Error("the same ones are told again, or others never")
	}
}
