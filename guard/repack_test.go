package guard_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/onward"
)

// repackAtStart: a REPACK (CONCURRENTLY) waits for a transaction that has written. repackAtEnd: it waits for the lock at its end.
const (
	repackAtStart = "wait_event = 'RepackWorkerExport'"
	repackAtEnd   = "EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND l.mode = 'AccessExclusiveLock' AND NOT l.granted)"
)

func newRepackStage(t *testing.T, steps ...string) (s *stage, file string) {
	t.Helper()
	s = newStage(t, onward.PreviewMajor, append(steps, "show lock_timeout")...)
	s.run(s.other, "CREATE TABLE customers (id int)", "INSERT INTO t SELECT generate_series(51, 20000)", "DELETE FROM t WHERE id % 2 = 0")
	return s, s.one(repackedFile)
}

const repackedFile = "SELECT pg_relation_filenode('t')::text"

func (s *stage) waitUntil(event, condition string) {
	s.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if s.one("SELECT count(*)::text FROM pg_stat_activity AS a WHERE datname = current_database() AND "+condition) != "0" {
			return
		}
		if time.Now().After(end) {
			s.t.Fatal("it did not come: " + event)
		}
	}
}

// REPACK (CONCURRENTLY) waits for the transactions that would read no rows afterwards, or make it lose its copy. Then it runs while others read.
func TestRepack(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{"", "extended"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			s, file := newRepackStage(t, "REPACK (CONCURRENTLY) t")
			s.c.Env = append(s.c.Env, "GUARD_TEST_EXTENDED="+protocol)
			report, reader, writer := s.connect("report"), s.connect("reader"), s.connect("writer")
			s.run(report, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT 1")
			s.run(reader, "BEGIN", "SELECT count(*) FROM t")
			s.run(writer, "BEGIN", "INSERT INTO customers VALUES (1)")
			time.Sleep(1100 * time.Millisecond)
			stop := s.probe("t")
			r := s.guard("is held back: ", func() {
				if s.one(repackedFile) != file {
					t.Error("it began")
				}
				s.run(report, "COMMIT")
			}, func() { s.run(reader, "COMMIT") }, func() { s.run(writer, "COMMIT") })
			if reads, long := stop(); long > 0 || reads < 20 {
				t.Errorf("of %d reads %d waited too long", reads, long)
			}
			if r.ExitCode != 0 || len(r.Runs) != 1 || len(r.Runs[0].Waited) != 1 || s.one(repackedFile) == file {
				t.Fatalf("the guarded run is %+v, want one run with one wait and a new file of t\n%s", r, s.out.String())
			}
			if w := r.Runs[0].Waited[0]; w.Statement != "REPACK on public.t" || w.TookMS < 500 || w.Passed ||
				!strings.Contains(w.InTheWay[0], "it has written, and REPACK waits") {
				t.Errorf("the wait is %+v, want REPACK on public.t held by a writer", w)
			}
			if !strings.Contains(s.out.String(), "lock_timeout 50ms") {
				t.Errorf("the session's lock_timeout is not 50ms:\n%s", s.out.String())
			}
		})
	}
}

// If such a transaction is still open at the end, the statement does not run.
func TestRepackRefused(t *testing.T) {
	t.Parallel()
	s, file := newRepackStage(t, "REPACK (CONCURRENTLY) t", "INSERT INTO done VALUES ('after')")
	s.c.Within = 800 * time.Millisecond
	dump := s.connect("pg_dump")
	s.run(dump, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SELECT 1")
	r, err := guard.Run(t.Context(), s.c)
	refused := new(guard.RepackError)
	if !errors.As(err, &refused) || r.ExitCode != 7 || len(r.Runs) != 1 || s.one(repackedFile) != file || s.one("SELECT count(*)::text FROM done") != "0" {
		t.Fatalf("Run = %+v, %v, want a RepackError, exit code 7 and no change\n%s", r, err, s.out.String())
	}
	for _, words := range []string{
		"REPACK on public.t did not run, and its session was ended: for 800ms others were in its way: ",
		fmt.Sprintf("process %d (postgres, pg_dump), idle in transaction, for ", dump.PgConn().PID()), "it would read no rows of t afterwards, without an error",
	} {
		if !strings.Contains(err.Error(), words) || !strings.Contains(s.out.String(), words) {
			t.Errorf("%q is missing: %v\n%s", words, err, s.out.String())
		}
	}
}

// A transaction that holds the table at the end makes others wait for a second at most. The command runs again after its end.
func TestRepackCancelled(t *testing.T) {
	t.Parallel()
	s, file := newRepackStage(t, "REPACK (CONCURRENTLY) t")
	reader, writer, other := s.connect("slow"), s.connect("writer"), s.connect("code")
	s.run(writer, "BEGIN", "INSERT INTO customers VALUES (1)")
	var waited time.Duration
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.waitUntil("REPACK", repackAtStart)
		s.run(reader, "BEGIN", "SELECT count(*) FROM t")
		s.run(writer, "COMMIT")
		s.waitUntil("the lock at the end", repackAtEnd)
		began := time.Now()
		s.run(other, "SELECT count(*) FROM t")
		waited = time.Since(began)
	}()
	r := s.guard("is held back: ", func() { s.run(reader, "COMMIT") })
	<-done
	if waited > 1500*time.Millisecond || waited < 500*time.Millisecond {
		t.Errorf("another query waited for %s", waited)
	}
	if r.ExitCode != 0 || len(r.Runs) != 2 || r.Runs[0].Committed || len(r.Runs[0].Lost) != 1 || s.one(repackedFile) == file {
		t.Fatalf("the guarded run is %+v, want two runs, the first lost, and a new file of t\n%s", r, s.out.String())
	}
	if l := r.Runs[0].Lost[0]; l.Statement != "REPACK on public.t" || l.SQLSTATE != "57014" || !strings.Contains(l.Message, "its copy of the table is lost") ||
		!strings.Contains(l.Message, "(postgres, slow), idle in transaction, for ") {
		t.Errorf("the lost race is %+v, want REPACK on public.t with 57014 because of slow", l)
	}
	left := s.one("SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()) || ' ' || count(*) " +
		"FROM pg_class WHERE relname ~ 'repack' AND relkind IN ('r', 't')")
	if left != "0 0" {
		t.Errorf("it left %s slots and relations", left)
	}
}

// The command does not run without an end.
func TestRepackGivesUp(t *testing.T) {
	t.Parallel()
	s, file := newRepackStage(t, "REPACK (CONCURRENTLY) t")
	writer, other := s.connect("writer"), s.connect("code")
	hold := func() { // a writer that is too young to be waited for keeps it at its start
		for s.one("SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND "+repackAtStart) == "0" {
			s.run(writer, "ROLLBACK", "BEGIN", "INSERT INTO customers VALUES (1)")
			time.Sleep(300 * time.Millisecond)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 3 {
			hold()
			reader := s.connect("slow")
			s.run(reader, "BEGIN", "SELECT count(*) FROM t")
			s.run(writer, "COMMIT")
			s.waitUntil("the lock at the end", repackAtEnd)
			s.run(other, "SELECT count(*) FROM t")
			s.run(reader, "COMMIT")
		}
	}()
	r := s.guard("")
	<-done
	if r.ExitCode != 7 || len(r.Runs) != 3 || !strings.Contains(r.Why, "REPACK has lost 3 copies of its table") || s.one(repackedFile) != file {
		t.Fatalf("the guarded run is %+v, want three lost runs and the same file of t\n%s", r, s.out.String())
	}
}
