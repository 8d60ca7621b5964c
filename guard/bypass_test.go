package guard_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// networkServer is a server that listens for TCP at an address of this machine that no other test has.
func networkServer(t *testing.T, major int) (address, socket string) {
	t.Helper()
	host := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(250), rand.IntN(250), 2+rand.IntN(250))
	s, err := pgserver.Start(t.Context(), pgserver.Config{Major: major, Small: true, Unconfined: true, Listen: host})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: host + ":5432", Path: "/postgres", RawQuery: "sslmode=disable"}
	return u.String(), s.URL("postgres")
}

// around makes the command go around the guard: it has the address from a file.
func (s *stage) around(address string, more ...string) {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "address")
	if err := os.WriteFile(file, []byte(address), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.c.Env = append(s.c.Env, addressIn+"="+file)
	s.c.Env = append(s.c.Env, more...)
}

// A command that goes around the guard is ended, with its sessions, if they are proven to be its own: over TCP and
// over a Unix socket, in a child of a shell, and also if it ignores SIGTERM.
func TestBypassIsEnded(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		component.Need(t, component.System, errors.New("only Linux reports the sockets of a process"))
	}
	address, socket := networkServer(t, onward.NewestMajor)
	steps := []string{"BEGIN", "CREATE TABLE around ()", "SELECT pg_sleep(120)", "COMMIT"}
	for name, tc := range map[string]struct {
		db, way string
		ignore  bool
	}{
		"tcp": {db: address, way: address}, "tcp, SIGTERM ignored": {db: address, way: address, ignore: true},
		"socket": {db: socket, way: socket}, "tcp, guard by the socket": {db: socket, way: address},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStageAt(t, tc.db, steps...)
			s.around(strings.Replace(tc.way, "/postgres?", "/"+s.one("SELECT current_database()::text")+"?", 1))
			s.c.Grace = 30 * time.Second
			if tc.ignore {
				s.c.Env = append(s.c.Env, "GUARD_TEST_IGNORE=1")
				s.c.Grace = 500 * time.Millisecond
			}
			s.c.Command = []string{"sh", "-c", s.c.Command[0] + "; true"}
			began := time.Now()
			r, err := guard.Run(t.Context(), s.c)
			bypass := new(guard.AroundError)
			if !errors.As(err, &bypass) || len(bypass.Sessions) != 1 || r == nil || len(r.Runs) != 1 || len(r.Runs[0].Around) != 1 {
				t.Fatalf("Run = %+v, %v, want an AroundError with one session\n%s", r, err, s.out.String())
			}
			if took := time.Since(began); took > 25*time.Second {
				t.Errorf("it took %s", took)
			}
			if session := r.Runs[0].Around[0]; session.PID == 0 || session.Process == 0 || (session.Client == "") != (tc.way == socket) {
				t.Errorf("the session lacks its PID or its process, or its client is wrong: %+v", session)
			}
			for i := 0; s.one("SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()") != "0"; i++ {
				if i > 200 {
					t.Fatal("its session goes on")
				}
				time.Sleep(20 * time.Millisecond)
			}
			if got := s.one("SELECT coalesce(to_regclass('around')::text, 'none')"); got != "none" {
				t.Error("it committed")
			}
		})
	}
}

// Deployed servers reconnect all the time: sessions of the same role, from the same machine, in the same database.
// None is ended, and the command is not.
func TestReconnectingServersStay(t *testing.T) {
	t.Parallel()
	address, _ := networkServer(t, onward.NewestMajor)
	s := newStageAt(t, address, "CREATE TABLE through ()", "sleep 2s", "CREATE TABLE later ()")
	target := strings.Replace(address, "/postgres?", "/"+s.one("SELECT current_database()::text")+"?", 1)
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var mu sync.Mutex
	connections := 0
	for range 20 {
		all.Go(func() {
			for ctx.Err() == nil {
				conn, err := pgx.Connect(context.WithoutCancel(ctx), target)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = conn.Exec(context.Background(), "SELECT pg_sleep(0.2)")
				if err = errors.Join(err, conn.Close(context.Background())); err != nil {
					t.Error(err)
				}
				mu.Lock()
				connections++
				mu.Unlock()
			}
		})
	}
	r := s.guard("", nil)
	stop()
	all.Wait()
	if r.ExitCode != 0 || len(r.Runs) != 1 || len(r.Runs[0].Around) != 0 || r.Runs[0].Sessions != 1 {
		t.Errorf("the guarded run is %+v, want one run with one session and none around\n%s", r, s.out.String())
	}
	if connections < 40 {
		t.Errorf("only %d sessions were there", connections)
	}
	if got := s.one("SELECT count(*)::text FROM pg_class WHERE relname IN ('through', 'later')"); got != "2" {
		t.Errorf("%s of the 2 tables exist", got)
	}
}

// psql with an address of its own goes through the guard, or does not start.
func TestPsql(t *testing.T) {
	t.Parallel()
	address, _ := networkServer(t, onward.OldestMajor)
	psql, err := pgserver.Program("psql", onward.OldestMajor)
	component.Need(t, component.Psql, err)
	s := newStageAt(t, address)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	database := s.one("SELECT current_database()::text")
	for i, command := range [][]string{
		{psql, "-X", "-U", "postgres", "-h", u.Hostname(), "-p", u.Port(), "-d", database, "-c", "INSERT INTO done VALUES ('psql')"},
		{"sh", "-c", psql + " -X -U postgres -h " + u.Hostname() + " " + database + " -c \"INSERT INTO done VALUES ('psql')\""},
	} {
		s.c.Command = command
		if r := s.guard("", nil); r.ExitCode != 0 || r.Runs[0].Sessions != 1 || !r.Runs[0].Committed {
			t.Fatalf("%q: the guarded run is %+v, want one committed session\n%s", command, r, s.out.String())
		}
		if got := s.one("SELECT count(*)::text FROM done"); got != fmt.Sprint(i+1) {
			t.Errorf("after %q done has %s rows, want %d", command, got, i+1)
		}
	}
	s.c.Command = []string{psql, "-X", "-U", "postgres", "-h", "localhost", "-p", u.Port(), "-d", database, "-c", "INSERT INTO done VALUES ('psql')"}
	wrong := new(config.InputError)
	if _, err := guard.Run(t.Context(), s.c); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "psql names localhost:5432") {
		t.Error(err)
	}
}
