package guard_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// An index that is built beside its users waits for them as long as it must.
func TestConcurrentBuild(t *testing.T) {
	t.Parallel()
	s := newStage(t, onward.NewestMajor, "CREATE INDEX CONCURRENTLY t_n ON t (n)", "show lock_timeout")
	s.run(s.other, "BEGIN ISOLATION LEVEL REPEATABLE READ", "INSERT INTO t VALUES (99)")
	look := s.connect("look")
	committed := make(chan struct{})
	go func() {
		defer close(committed)
		for range 200 {
			var waits bool
			time.Sleep(20 * time.Millisecond)
			if _ = look.QueryRow(context.Background(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock' "+
				"AND datname = current_database() AND clock_timestamp() - query_start > '300ms')").Scan(&waits); waits {
				break
			}
		}
		s.run(s.other, "COMMIT")
	}()
	r := s.guard("", nil)
	<-committed
	if r.ExitCode != 0 || len(r.Runs) != 1 || !strings.Contains(s.out.String(), "lock_timeout 50ms") {
		t.Fatalf("the guarded run is %+v, want one run, exit code 0 and lock_timeout 50ms\n%s", r, s.out.String())
	}
	if got := s.one("SELECT indisvalid::text FROM pg_index WHERE indexrelid = 't_n'::regclass"); got != "true" {
		t.Errorf("indisvalid of t_n is %s, want true", got)
	}
}

// The command's own lock_timeout stays, and is reported.
func TestOwnTimeout(t *testing.T) {
	t.Parallel()
	s := newStage(t, onward.NewestMajor, "SET lock_timeout = '7s'", "show lock_timeout")
	r := s.guard("", nil)
	if len(r.Notes) != 1 || !strings.Contains(s.out.String(), "lock_timeout 7s") {
		t.Errorf("the guarded run is %+v, want one note and lock_timeout 7s\n%s", r, s.out.String())
	}
}

// A signal is the command's; with its end its sessions end, whatever they do.
func TestSignal(t *testing.T) {
	t.Parallel()
	for sig, code := range map[syscall.Signal]int{syscall.SIGHUP: 9, syscall.SIGKILL: 128 + 9} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			s := newStage(t, onward.NewestMajor, "BEGIN", "UPDATE t SET n = 5", "SELECT pg_sleep(60)")
			signals := make(chan os.Signal, 1)
			s.c.Signals = signals
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				for range 500 {
					time.Sleep(20 * time.Millisecond)
					if s.one("SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()") == "1" {
						break
					}
				}
				signals <- sig
			}()
			r := s.guard("", nil)
			<-sent
			if r.ExitCode != code || len(r.Runs) != 1 {
				t.Fatalf("after %s the guarded run is %+v, want one run and exit code %d\n%s", sig, r, code, s.out.String())
			}
			for i := 0; s.one("SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()") != "0"; i++ {
				if i > 200 {
					t.Fatal("its session goes on")
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

// Three errors differ: a command that bypasses the guard, a missing command, and a
// missing server.
func TestErrors(t *testing.T) {
	t.Parallel()
	s := newStage(t, onward.NewestMajor, "SELECT 1")
	s.c.Command = []string{"true"}
	aroundError := new(guard.AroundError)
	if r, err := guard.Run(t.Context(), s.c); !errors.As(err, &aroundError) || r == nil {
		t.Error(err)
	}
	s.c.Command = []string{"/no/such/program", s.url}
	if _, err := guard.Run(t.Context(), s.c); err == nil || strings.Contains(err.Error(), s.url) {
		t.Error(err)
	}
	s.c.Command = []string{"true"}
	// A pooler would give to others what is set for one, or takes no settings at all.
	for _, mode := range []string{"session", "transaction"} {
		s.c.DB = pgservertest.StartPgbouncer(t, s.url, mode)
		input := new(config.InputError)
		if _, err := guard.Run(t.Context(), s.c); !errors.As(err, &input) || !strings.Contains(err.Error(), "name the server itself") {
			t.Errorf("Run through PgBouncer in %s mode: %v, want \"name the server itself\"", mode, err)
		}
	}
	server := new(guard.ServerError)
	s.c.DB = "postgres://u:hunter2@127.0.0.1:1/x"
	if _, err := guard.Run(t.Context(), s.c); !errors.As(err, &server) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
