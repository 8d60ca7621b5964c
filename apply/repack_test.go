package apply_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// longestWait is how long a query may wait for a REPACK: a second, and what a busy machine adds.
const longestWait = 1500 * time.Millisecond

// plannedRepack is the plan for VACUUM FULL on Postgres 19, which counts as proven: TestRepackIsProven of plan proves it.
func plannedRepack(t testing.TB) *onward.Plan {
	t.Helper()
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\n" + base},
		map[string]string{"migrations/00002_b.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nVACUUM (FULL, ANALYZE) orders;\n"})
	settings := &config.Config{Postgres: []int{onward.PreviewMajor}}
	p, _, err := plan.Make(t.Context(), plan.Config{
		Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature", Settings: settings}},
		Sketch: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Steps) != 1 || p.Steps[0].SQL != "REPACK (CONCURRENTLY, ANALYZE) orders;\n" || len(p.Proof.Missing) > 1 {
		t.Fatalf("the steps are %+v, want one REPACK; the proof lacks %v", p.Steps, p.Proof.Missing)
	}
	return markProven(t, p)
}

// repackStage is a database of 19 whose table a plan writes anew.
type repackStage struct {
	t      *testing.T
	db     string
	c      apply.Config
	events chan string
}

func newRepackStage(t *testing.T) *repackStage {
	t.Helper()
	s := &repackStage{t: t, db: pgservertest.Database(t, onward.PreviewMajor), events: make(chan string, 1000)}
	run(t, s.db, base, rows, "INSERT INTO orders SELECT n, 1, n, repeat('x', 100), 'paid' FROM generate_series(7000, 20000) AS n",
		"DELETE FROM orders WHERE id % 2 = 0")
	s.c = apply.Config{DB: s.db, Plan: plannedRepack(t), Within: time.Minute, Tell: func(e apply.Event) { s.events <- fmt.Sprint(e.Kind, " ", e.Words) }}
	return s
}

// file returns the file of the table: REPACK gives it another one.
func (s *repackStage) file() string {
	return content(s.t, s.db, "SELECT pg_relation_filenode('orders')::text")[0]
}

// hasProcess reports whether a process of the database is in a state.
func (s *repackStage) hasProcess(condition string) bool {
	s.t.Helper()
	return len(content(s.t, s.db, "SELECT 'x' FROM pg_stat_activity AS a WHERE a.datname = current_database() AND "+condition)) > 0
}

// waitUntil waits until a process other than the asking one is in a state.
func (s *repackStage) waitUntil(event, condition string) {
	s.t.Helper()
	until(s.t, event, func() bool { return s.hasProcess(condition) })
}

const (
	atStart = "a.wait_event = 'RepackWorkerExport'"
	atEnd   = "EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND l.mode = 'AccessExclusiveLock' AND NOT l.granted)"
)

// startApply begins a run that waits for a transaction which has written.
func (s *repackStage) startApply() (writer *pgx.Conn, done chan error) {
	s.t.Helper()
	writer = called(s.t, s.db, "writer")
	pgservertest.Exec(s.t, writer, "BEGIN", "UPDATE customers SET id = id WHERE id = 1")
	done = make(chan error, 1)
	go func() {
		_, err := apply.Run(s.t.Context(), s.c)
		done <- err
	}()
	until(s.t, "REPACK", func() bool {
		select {
		case err := <-done:
			s.t.Fatalf("apply.Run ended before REPACK began: %v", err)
		default:
		}
		return s.hasProcess(atStart)
	})
	return writer, done
}

// nothingLeft fails if a REPACK that was ended has left something.
func (s *repackStage) nothingLeft() {
	s.t.Helper()
	until(s.t, "the end of its processes", func() bool {
		return len(content(s.t, s.db, "SELECT backend_type FROM pg_stat_activity WHERE datname = current_database() AND "+
			"(backend_type LIKE 'REPACK%' OR query LIKE 'REPACK%' AND state = 'active')")) == 0
	})
	left := content(s.t, s.db, "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "+
		"AND relname NOT IN ('orders', 'customers') "+
		"UNION ALL SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() "+
		"UNION ALL SELECT relname::text FROM pg_class WHERE relname LIKE '%repack%' AND relkind IN ('r', 't')")
	if len(left) > 0 {
		s.t.Errorf("it left %v", left)
	}
}

// A table is written anew while others read and write it, and none of them waits for long.
func TestRepack(t *testing.T) {
	t.Parallel()
	s := newRepackStage(t)
	before, size := s.file(), content(t, s.db, "SELECT pg_relation_size('orders')::text")[0]
	ctx, stop := context.WithCancel(t.Context())
	var longest, queries atomic.Int64
	writersDone := make(chan error, 4)
	for i := range 4 {
		conn := called(t, s.db, "code")
		go func() {
			for n := 0; ctx.Err() == nil; n++ {
				began := time.Now()
				var err error
				switch i % 2 {
				case 0:
					_, err = conn.Exec(context.Background(), "UPDATE orders SET amount = amount + 1 WHERE id = $1", 2*(n%100)+1)
				default:
					_, err = conn.Exec(context.Background(), "SELECT sum(amount) FROM orders WHERE id < 200")
				}
				if err != nil {
					writersDone <- err
					return
				}
				queries.Add(1)
				longest.Store(max(longest.Load(), int64(time.Since(began))))
			}
			writersDone <- nil
		}()
	}
	r, err := apply.Run(t.Context(), s.c)
	stop()
	for range 4 {
		if err := <-writersDone; err != nil {
			t.Error(err)
		}
	}
	if err != nil || r.State != onward.ApplyDone {
		t.Fatalf("REPACK beside writers = %+v, %v, want it done", r, err)
	}
	if s.file() == before {
		t.Error("the table has the file that it had")
	}
	if now := content(t, s.db, "SELECT (pg_relation_size('orders') < "+size+")::text || ' ' || count(*) FROM orders"); now[0] != "true 9500" {
		t.Errorf("whether orders shrank, and its rows: %q, want \"true 9500\"", now)
	}
	if wait := time.Duration(longest.Load()); wait > longestWait || queries.Load() == 0 {
		t.Errorf("of %d queries one took %s", queries.Load(), wait)
	}
	s.nothingLeft()
}

// It does not begin while a transaction is open that would read no rows afterwards: one of REPEATABLE READ, or a dump.
func TestRepackOldSnapshots(t *testing.T) {
	t.Parallel()
	s := newRepackStage(t)
	before := s.file()
	report, dump := openSnapshot(t, s.db), called(t, s.db, "pg_dump")
	pgservertest.Exec(t, dump, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1")
	dumping := make(chan error, 1)
	go func() {
		_, err := dump.Exec(context.Background(), "SELECT pg_sleep(4)")
		_, ended := dump.Exec(context.Background(), "COMMIT")
		dumping <- errors.Join(err, ended)
	}()
	s.waitUntil("the dump", "a.wait_event = 'PgSleep'")
	// Neither counts: a query of READ COMMITTED that has ended, and a transaction without a snapshot.
	pgservertest.Exec(t, called(t, s.db, "code"), "BEGIN", "SELECT count(*) FROM customers")
	s.c.Within = 700 * time.Millisecond
	_, err := apply.Run(t.Context(), s.c)
	stuck := new(apply.UnfinishedError)
	if !errors.As(err, &stuck) {
		t.Fatal(err)
	}
	for _, words := range []string{
		fmt.Sprintf("process %d (postgres, report), idle in transaction, for ", report.PgConn().PID()),
		fmt.Sprintf("process %d (postgres, pg_dump), active, for ", dump.PgConn().PID()),
		"it would read no rows of orders afterwards, without an error",
	} {
		if !strings.Contains(stuck.Why, words) {
			t.Errorf("%q is missing: %s", words, stuck.Why)
		}
	}
	if strings.Contains(stuck.Why, "code") || s.file() != before {
		t.Errorf("the reason blames code, or the table has another file: %s", stuck.Why)
	}
	if got := readAll(t, report, "note"); got == "0 rows, 0 values" {
		t.Errorf("the old snapshot reads %q, want its rows", got)
	}
	pgservertest.Exec(t, report, "COMMIT")
	s.c.Within = 20 * time.Second
	finishPlan(t, s.c) // it waits for the end of the dump
	if err := <-dumping; err != nil || s.file() == before {
		t.Error(err)
	}
}

// A reason begins it in spite of them, and the audit trail has it once, although a writer is waited for meanwhile.
func TestRepackAcceptedSnapshots(t *testing.T) {
	t.Parallel()
	s := newRepackStage(t)
	report, writer := openSnapshot(t, s.db), called(t, s.db, "writer")
	pgservertest.Exec(t, writer, "BEGIN", "UPDATE customers SET id = id WHERE id = 1", "SELECT pg_sleep(1.1)") // older than a second
	writing := make(chan error, 1)
	go func() {
		_, err := writer.Exec(context.Background(), "SELECT pg_sleep(1); COMMIT")
		writing <- err
	}()
	s.c.AcceptOldSnapshots = "the report reads customers only"
	finishPlan(t, s.c)
	if err := <-writing; err != nil {
		t.Fatal(err)
	}
	if log := content(t, s.db, "SELECT detail FROM onward_ledger.log WHERE event = 'old snapshots accepted'"); len(log) != 1 ||
		!strings.Contains(log[0], "the report reads customers only (although process ") {
		t.Errorf("the log has the details %q, want the accepted snapshot and its process", log)
	}
	if got := readAll(t, report, "note"); got != "0 rows, 0 values" { // as the server documents it
		t.Errorf("the old snapshot reads %q, want 0 rows, 0 values", got)
	}
}

// A transaction that holds the table at the end makes others wait for a second at most: the copy is given up, and made again after its end.
func TestRepackIsCancelled(t *testing.T) {
	t.Parallel()
	s := newRepackStage(t)
	before := s.file()
	writer, done := s.startApply()
	reader, other := called(t, s.db, "slow"), called(t, s.db, "code")
	pgservertest.Exec(t, reader, "BEGIN", "SELECT count(*) FROM orders")
	pgservertest.Exec(t, writer, "COMMIT")
	s.waitUntil("the lock at the end", atEnd)
	began := time.Now()
	pgservertest.Exec(t, other, "SELECT count(*) FROM orders")
	if wait := time.Since(began); wait > longestWait || wait < 500*time.Millisecond {
		t.Errorf("another query waited for %s", wait)
	}
	s.nothingLeft()
	if s.file() != before {
		t.Error("the table has another file")
	}
	lost := ""
	for event := range s.events {
		if lost = event; strings.Contains(event, "lost") {
			break
		}
	}
	if !strings.Contains(lost, "1 session waited for it, the first for ") || !strings.Contains(lost, "its copy of the table is lost") ||
		!strings.Contains(lost, fmt.Sprintf("process %d (postgres, slow), idle in transaction", reader.PgConn().PID())) {
		t.Errorf("the lost attempt says %q, want its waiter, its lost copy and its blocker", lost)
	}
	pgservertest.Exec(t, reader, "COMMIT")
	if err := <-done; err != nil || s.file() == before {
		t.Error(err)
	}
}

// It gives up after some lost copies.
func TestRepackGivesUp(t *testing.T) {
	t.Parallel()
	s := newRepackStage(t)
	before := s.file()
	writer, done := s.startApply()
	other := called(t, s.db, "code")
	for attempt := range 3 {
		reader := called(t, s.db, "slow")
		pgservertest.Exec(t, reader, "BEGIN", "SELECT count(*) FROM orders")
		pgservertest.Exec(t, writer, "COMMIT")
		s.waitUntil("the lock at the end", atEnd)
		pgservertest.Exec(t, other, "SELECT count(*) FROM orders")
		pgservertest.Exec(t, reader, "COMMIT")
		if attempt == 2 {
			break
		}
		// A writer that is too young to be waited for keeps the next attempt at its start.
		for !s.hasProcess(atStart) {
			pgservertest.Exec(t, writer, "ROLLBACK", "BEGIN", "UPDATE customers SET id = id WHERE id = 1")
			time.Sleep(300 * time.Millisecond)
		}
	}
	err := <-done
	if stuck := new(apply.UnfinishedError); !errors.As(err, &stuck) ||
		!strings.Contains(stuck.Why, "it has lost 3 copies of the table; the last time 1 session waited for it") {
		t.Fatal(err)
	}
	if s.file() != before {
		t.Error("the table has another file")
	}
	s.c.Within = 20 * time.Second
	finishPlan(t, s.c)
	if s.file() == before {
		t.Error("the table has the file that it had")
	}
}

// Killed while it waits for its lock at the end, it makes nobody wait for long, and the next run begins anew.
func TestRepackIsKilled(t *testing.T) {
	t.Parallel()
	s := newRepackStage(t)
	before := s.file()
	writer, reader, other := called(t, s.db, "writer"), called(t, s.db, "slow"), called(t, s.db, "code")
	pgservertest.Exec(t, writer, "BEGIN", "UPDATE customers SET id = id WHERE id = 1")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "ONWARD_APPLY_CHILD="+s.db, "ONWARD_APPLY_PLAN="+saved(t, s.c.Plan))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for !s.hasProcess(atStart) {
		pgservertest.Exec(t, writer, "ROLLBACK", "BEGIN", "UPDATE customers SET id = id WHERE id = 1")
		time.Sleep(300 * time.Millisecond)
	}
	pgservertest.Exec(t, reader, "BEGIN", "SELECT count(*) FROM orders")
	pgservertest.Exec(t, writer, "COMMIT")
	s.waitUntil("the lock at the end", atEnd)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	began := time.Now()
	pgservertest.Exec(t, other, "SELECT count(*) FROM orders")
	if wait := time.Since(began); wait > longestWait {
		t.Errorf("another query waited for %s", wait)
	}
	s.nothingLeft()
	pgservertest.Exec(t, reader, "COMMIT")
	finishPlan(t, s.c)
	if s.file() == before {
		t.Error("the table has the file that it had")
	}
	s.nothingLeft()
}
