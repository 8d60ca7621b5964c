//go:build linux

package rehearse_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/cli"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestFaultChild is the process that the tests below end: the command line.
func TestFaultChild(t *testing.T) {
	args := os.Getenv("ONWARD_FAULT_CHILD")
	if args == "" {
		return
	}
	os.Args = append([]string{"onward"}, strings.Fields(args)...)
	os.Exit(cli.Main())
}

// mostEnding is how long a process may take to end when it is asked to. It gives
// itself half a second; the rest is a busy machine's.
const mostEnding = 3 * time.Second

// atOnce is how many processes are under way.
const atOnce = 4

// kills is how many processes TestKilled kills: ONWARD_KILLS, or sixteen.
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("ONWARD_KILLS")
	if text == "" {
		return 8
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 8 {
		t.Fatalf("ONWARD_KILLS=%s: give a number, eight at least", text)
	}
	return n
}

// TestKilled kills the process of a rehearsal at many instants: nothing stays,
// and the cache serves the next rehearsal, as does somebody's server.
func TestKilled(t *testing.T) {
	n := kills(t)
	bin := needServer(t)
	before := orphans(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	// The first has its base in the cache, the second is building its base, and
	// the third has its base in a database on the user's server.
	warm := newVictims(t, faultBase, "")
	warm.whole(t)
	fresh := newVictims(t, fmt.Sprintf("%s-- %d\nCREATE TABLE unique_%d ();\n", faultBase, seed, seed), "")
	cache := fresh.ownCache(t, bin)
	externalServer := somebodys(t)
	guest := newVictims(t, faultBase+"CREATE ROLE fault_reader;\nGRANT SELECT ON users TO fault_reader;\n",
		"--postgres "+externalServer.URLAs("rehearsal", "postgres"))
	whole := warm.wholes(t)
	t.Logf("a rehearsal takes %s beside others", whole)
	var mu sync.Mutex
	running, completedCount := 0, 0
	killed := func(c *victim, delay time.Duration, err error) {
		if err != nil && c.cmd.ProcessState.ExitCode() != -1 {
			t.Errorf("after %s: %v\n%s", delay, err, &c.out)
		}
		mu.Lock()
		if c.cmd.ProcessState.ExitCode() == -1 {
			running++
		} else {
			completedCount++
		}
		mu.Unlock()
		c.gone(t)
	}
	fourth := n / 4
	warm.end(t, n-2*fourth, whole, rnd, os.Kill, killed)
	fresh.end(t, fourth, whole, rnd, os.Kill, killed)
	guest.end(t, fourth, whole, rnd, os.Kill, killed)
	t.Logf("%d were killed before their end, %d were through", running, completedCount)
	if running < n {
		t.Errorf("only %d were killed before their end, want %d", running, n)
	}
	deserted := awaitNone(t, externalServer, "SELECT application_name::pg_catalog.text FROM pg_catalog.pg_stat_activity WHERE usename OPERATOR(pg_catalog.=) 'rehearsal'")
	if len(deserted) > 0 {
		t.Errorf("sessions of the dead: %q", deserted)
	}
	warm.whole(t)
	fresh.whole(t)
	guest.whole(t) // and drops what the dead left
	if left := awaitNone(t, externalServer, "SELECT datname::pg_catalog.text FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.~) '^onward_'"); len(left) > 0 {
		t.Errorf("databases stay: %q", left)
	}
	if left := awaitNone(t, externalServer, "SELECT rolname::pg_catalog.text FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.~) '^fault_'"); len(left) > 0 {
		t.Errorf("roles stay: %q", left)
	}
	var stay []string
	for range 100 {
		stay = slices.DeleteFunc(orphans(t), func(id string) bool { return slices.Contains(before, id) })
		halves, _ := filepath.Glob(filepath.Join(cache, "onward", "*", "*.new"))
		stay = append(stay, halves...)
		if len(stay) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("shared memory, or half a base in the cache, stays: %v", stay)
}

// somebodys is a server that is not the rehearsal's, with a role for it.
func somebodys(t *testing.T) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), pgserver.Config{Major: 18})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	c, err := s.Connect(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	pgservertest.Exec(t, c, "CREATE ROLE rehearsal LOGIN CREATEDB CREATEROLE")
	return s
}

// awaitNone asks until there is no row, for some seconds, and gives the last ones.
func awaitNone(t *testing.T, s *pgserver.Server, query string) []string {
	t.Helper()
	c, err := s.Connect(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	var found []string
	for range 100 {
		rows, err := c.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if found, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return found
}

// TestInterrupted: Ctrl-C ends a rehearsal at once, and nothing stays.
func TestInterrupted(t *testing.T) {
	needServer(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	v := newVictims(t, faultBase, "")
	whole := v.wholes(t)
	v.end(t, 4, whole, rand.New(rand.NewPCG(seed, 0)), os.Interrupt, func(c *victim, delay time.Duration, err error) {
		defer c.gone(t)
		if err == nil {
			return // it was through
		}
		// 3: could not do its work; a signal before it listens for one ends it.
		if code := c.cmd.ProcessState.ExitCode(); code != 3 && code != -1 {
			t.Errorf("interrupted after %s: %v\n%s", delay, err, &c.out)
		}
	})
}
