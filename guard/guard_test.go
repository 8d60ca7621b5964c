package guard_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// stepsIn is the variable that makes this test's program the command that is guarded: what it has is
// sent, a message for each line; "sleep 2s" waits with what is open.
const stepsIn = "GUARD_TEST_STEPS"

// addressIn names the file with the address of a command that goes around the guard.
const addressIn = "GUARD_TEST_ADDRESS"

func TestMain(m *testing.M) {
	if steps := os.Getenv(stepsIn); steps != "" {
		os.Exit(command(steps))
	}
	os.Exit(pgservertest.Main(m))
}

// command fails with 7 where the server refuses something.
func command(steps string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGHUP)
	defer stop()
	address := os.Getenv("DATABASE_URL")
	if file := os.Getenv(addressIn); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return 8
		}
		address = string(text)
	}
	if os.Getenv("GUARD_TEST_IGNORE") != "" {
		signal.Ignore(syscall.SIGTERM)
	}
	if mode := os.Getenv("GUARD_TEST_SSLMODE"); mode != "" { // as in a file of the command's own
		address = strings.Replace(address, "sslmode=disable", "sslmode="+mode, 1)
	}
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		fmt.Println(err)
		return 8
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	if os.Getenv("GUARD_TEST_EXTENDED") != "" {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		fmt.Println(err)
		return 8
	}
	for step := range strings.Lines(steps) {
		step = strings.TrimSpace(step)
		if d, ok := strings.CutPrefix(step, "sleep "); ok {
			pause, _ := time.ParseDuration(d)
			time.Sleep(pause)
			continue
		}
		if word, ok := strings.CutPrefix(step, "show "); ok {
			var value string
			if err := conn.QueryRow(ctx, "SELECT current_setting('"+word+"')").Scan(&value); err != nil {
				return 7
			}
			fmt.Println(word, value)
			continue
		}
		if _, err := conn.Exec(ctx, step); err != nil {
			fmt.Println(err)
			if ctx.Err() != nil {
				return 9
			}
			return 7
		}
	}
	return 0
}

// stage is a database with a table, and who works on it beside the command.
type stage struct {
	t     *testing.T
	url   string
	other *pgx.Conn
	told  chan string
	out   bytes.Buffer
	c     guard.Config
}

func newStage(t *testing.T, major int, steps ...string) *stage {
	t.Helper()
	return newStageIn(t, pgservertest.Database(t, major), steps...)
}

// newStageAt is newStage for a server of the test's own.
func newStageAt(t *testing.T, server string, steps ...string) *stage {
	t.Helper()
	conn := pgservertest.Connect(t, server)
	name := fmt.Sprintf("stage_%d", time.Now().UnixNano())
	pgservertest.Exec(t, conn, "CREATE DATABASE "+name)
	return newStageIn(t, strings.Replace(server, "/postgres?", "/"+name+"?", 1), steps...)
}

func newStageIn(t *testing.T, db string, steps ...string) *stage {
	t.Helper()
	s := &stage{t: t, url: db, told: make(chan string, 1000)}
	s.other = s.connect("nightly")
	s.run(s.other, "CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)", "INSERT INTO t SELECT generate_series(1, 50)", "CREATE TABLE done (step text)")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.c = guard.Config{
		DB: s.url, Command: []string{program}, Out: &s.out, Err: &s.out,
		Env: append(os.Environ(), "DATABASE_URL="+s.url, stepsIn+"="+strings.Join(steps, "\n")),
		// Only what hangs comes near to it.
		Within: time.Minute,
		Tell:   func(words string) { s.told <- words },
	}
	return s
}

func (s *stage) connect(app string) *pgx.Conn {
	s.t.Helper()
	cfg, err := pgx.ParseConfig(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg.RuntimeParams["application_name"] = app
	conn, err := pgx.ConnectConfig(s.t.Context(), cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func (s *stage) run(conn *pgx.Conn, sql ...string) {
	s.t.Helper()
	for _, q := range sql {
		if _, err := conn.Exec(context.Background(), q); err != nil {
			s.t.Errorf("execute %q: %v", q, err)
		}
	}
}

func (s *stage) one(sql string) (out string) {
	s.t.Helper()
	if err := s.other.QueryRow(context.Background(), sql).Scan(&out); err != nil {
		s.t.Errorf("query %q: %v", sql, err)
	}
	return out
}

// guard runs the command. For each reported line that contains word, it calls the next function of actions.
func (s *stage) guard(word string, actions ...func()) *onward.Guarded {
	s.t.Helper()
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case words := <-s.told:
				if len(actions) > 0 && actions[0] != nil && strings.Contains(words, word) {
					actions[0]()
					actions = actions[1:]
				}
			case <-done:
				return
			}
		}
	})
	r, err := guard.Run(context.Background(), s.c)
	close(done)
	all.Wait()
	if err != nil {
		s.t.Fatalf("guard the command: %v\n%s", err, s.out.String())
	}
	if text, _ := json.Marshal(r); strings.Contains(string(text), "secret") || strings.Contains(s.out.String(), "postgres://") {
		s.t.Errorf("a value is told: %s", text)
	}
	return r
}

// probe reads a table all the time as users do, and counts how often it had to wait for longer than
// anybody may.
func (s *stage) probe(table string) (stop func() (reads, long int)) {
	conn := s.connect("web")
	s.run(conn, "SET lock_timeout = '500ms'")
	var reads, long atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, err := conn.Exec(context.Background(), "SELECT count(*) FROM "+table)
			reads.Add(1)
			if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.Code == "55P03" {
				long.Add(1)
			} else if err != nil {
				s.t.Error(err)
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	return func() (int, int) {
		cancel()
		<-done
		return int(reads.Load()), int(long.Load())
	}
}

// A statement that takes a strong lock is held back while somebody reads, nobody waits for it, and it is
// done when the reader has gone.
func TestHeldBack(t *testing.T) {
	t.Parallel()
	for _, major := range pgservertest.EndsAndPreview() {
		for _, protocol := range []string{"", "extended"} {
			t.Run(fmt.Sprint(major, protocol), func(t *testing.T) {
				t.Parallel()
				s := newStage(t, major, "BEGIN", "ALTER TABLE t ADD note text DEFAULT 'secret'", "INSERT INTO done VALUES ('secret')", "COMMIT", "show lock_timeout",
					"show statement_timeout")
				s.c.Env = append(s.c.Env, "GUARD_TEST_EXTENDED="+protocol)
				s.c.StatementTimeout = 45 * time.Second
				s.run(s.other, "BEGIN", "SELECT FROM t")
				time.Sleep(60 * time.Millisecond)
				stop := s.probe("t")
				r := s.guard("is held back: ", func() { time.Sleep(100 * time.Millisecond); s.run(s.other, "COMMIT") })
				if reads, long := stop(); long > 0 || reads < 20 {
					t.Errorf("of %d reads %d waited too long", reads, long)
				}
				if r.ExitCode != 0 || len(r.Runs) != 1 || r.Runs[0].Sessions != 1 || r.Runs[0].Statements != 6 || !r.Runs[0].Committed || len(r.Runs[0].Waited) != 1 {
					t.Fatalf("the guarded run is %+v, want one committed run, 6 statements and one wait\n%s", r, s.out.String())
				}
				if w := r.Runs[0].Waited[0]; w.Statement != "ALTER TABLE on public.t" || w.TookMS < 100 || w.Passed ||
					!strings.Contains(w.InTheWay[0], "nightly), idle in transaction") {
					t.Errorf("the wait is %+v, want ALTER TABLE on public.t held for 100 ms by nightly", w)
				}
				if got := s.one("SELECT step FROM done"); got != "secret" {
					t.Errorf("done has %q, want secret", got)
				}
				if !strings.Contains(s.out.String(), "lock_timeout 50ms\nstatement_timeout 45s") {
					t.Errorf("the session's timeouts are not 50ms and 45s:\n%s", s.out.String())
				}
			})
		}
	}
}

// A lost race costs a run, and not what is there: the next one does it, once.
func TestLostRace(t *testing.T) {
	t.Parallel()
	s := newStage(t, onward.NewestMajor, "BEGIN", "INSERT INTO done VALUES ('once')", "UPDATE t SET n = n + 1", "COMMIT", "CREATE TABLE IF NOT EXISTS done ()")
	s.run(s.other, "BEGIN", "SELECT FROM t WHERE id = 9 FOR UPDATE")
	r := s.guard("it is run again", func() { s.run(s.other, "COMMIT") })
	if r.ExitCode != 0 || len(r.Runs) != 2 || r.Why != "" || r.Runs[0].ExitCode != 7 || r.Runs[0].Committed || r.Runs[1].LockTimeoutMS != 100 {
		t.Fatalf("the guarded run is %+v, want a failed and a good run, the second with lock_timeout 100ms\n%s", r, s.out.String())
	}
	if l := r.Runs[0].Lost; len(l) != 1 || l[0].SQLSTATE != "55P03" || l[0].Statement != "UPDATE" {
		t.Errorf("the lost races are %+v, want one UPDATE with 55P03", l)
	}
	if got := s.one("SELECT count(*) || ' ' || (SELECT sum(n) FROM t) FROM done"); got != "1 50" {
		t.Errorf("rows of done and sum of n: %q, want \"1 50\"", got)
	}
}

// A run that committed something is not repeated unless requested, and its exit code is the command's.
func TestCommitted(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{"a row": "INSERT INTO done VALUES ('first')", "a table": "CREATE TABLE one ()", "in a function": "SELECT wrote()"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, onward.NewestMajor, first, "UPDATE t SET n = 1")
			s.run(s.other, "CREATE FUNCTION wrote() RETURNS void BEGIN ATOMIC INSERT INTO done VALUES ('x'); END", "BEGIN", "SELECT FROM t FOR UPDATE")
			r := s.guard("", nil)
			if r.ExitCode != 7 || len(r.Runs) != 1 || !r.Runs[0].Committed || !strings.Contains(r.Why, "--again") {
				t.Fatalf("the guarded run is %+v, want one committed run, exit code 7 and a hint at --again\n%s", r, s.out.String())
			}
		})
	}
	t.Run("again", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, onward.NewestMajor, "INSERT INTO done VALUES ('first')", "UPDATE t SET n = 1")
		s.c.Again = true
		s.run(s.other, "BEGIN", "SELECT FROM t FOR UPDATE")
		r := s.guard("it is run again", func() { s.run(s.other, "COMMIT") })
		if r.ExitCode != 0 || len(r.Runs) != 2 {
			t.Fatalf("the guarded run is %+v, want two runs and exit code 0\n%s", r, s.out.String())
		}
	})
	t.Run("nothing that stays", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, onward.NewestMajor, "CREATE TABLE IF NOT EXISTS done ()", "SELECT pg_advisory_lock(1)", "UPDATE t SET n = 1 WHERE id < 0",
			"BEGIN; INSERT INTO done VALUES ('gone'); ROLLBACK", "SELECT set_config('work_mem', '5MB', false)", "UPDATE t SET n = 1")
		s.run(s.other, "BEGIN", "SELECT FROM t FOR UPDATE")
		r := s.guard("it is run again", func() { s.run(s.other, "COMMIT") })
		if r.ExitCode != 0 || len(r.Runs) != 2 || r.Runs[0].Committed {
			t.Fatalf("the guarded run is %+v, want two runs, the first not committed, and exit code 0\n%s", r, s.out.String())
		}
	})
	t.Run("another error", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, onward.NewestMajor, "SELECT FROM nowhere")
		if r := s.guard("", nil); r.ExitCode != 7 || len(r.Runs) != 1 || r.Why != "" {
			t.Fatalf("the guarded run is %+v, want one run, exit code 7 and no reason", r)
		}
	})
}

// A statement that makes others wait too long is cancelled. So is a transaction that waits for the command.
func TestQueueBehind(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ steps, statement string }{
		"at work": {"BEGIN\nALTER TABLE t ADD a int\nSELECT pg_sleep(20)\nCOMMIT", "SELECT"},
		"idle":    {"BEGIN\nALTER TABLE t ADD a int\nsleep 20s\nCOMMIT", "a transaction that waited for the command"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, onward.NewestMajor, strings.Split(tc.steps, "\n")...)
			s.c.Within = time.Nanosecond // it is not run again
			if tc.statement != "SELECT" {
				s.c.Env = append(s.c.Env, stepsIn+"="+strings.Replace(tc.steps, "20s", "3s", 1))
			}
			web := s.connect("web")
			stop := make(chan struct{})
			var all sync.WaitGroup
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						s.run(web, "SELECT count(*) FROM t")
						time.Sleep(5 * time.Millisecond)
					}
				}
			})
			r := s.guard("", nil)
			close(stop)
			all.Wait()
			if r.ExitCode != 7 || len(r.Runs) != 1 || r.Runs[0].Committed || !strings.Contains(r.Why, "in its way") {
				t.Fatalf("the guarded run is %+v, want one failed run and \"in its way\"\n%s", r, s.out.String())
			}
			if l := r.Runs[0].Lost; len(l) != 1 || l[0].SQLSTATE != "57014" || l[0].Statement != tc.statement ||
				!strings.Contains(l[0].Message, "1 session waited for it") {
				t.Errorf("the lost races are %+v, want one %s with 57014 because 1 session waited", l, tc.statement)
			}
			if b := r.Runs[0].Behind; b == nil || b.Most != 1 || b.LongestMS < 1000 {
				t.Errorf("the queue of waiters is %+v, want 1 session that waited for a second or more", b)
			}
		})
	}
}
