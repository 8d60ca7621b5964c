//go:build linux

package rehearse_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// victims makes processes that rehearse one release.
type victims struct {
	repo string
	tmp  string // above the temporary directories of all
	args string // more for the command line
	env  []string
}

const faultBase = `-- +goose Up
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, body text);
`

// newVictims: the release has two migrations, one in a transaction and one not.
func newVictims(t *testing.T, base, args string) victims {
	t.Helper()
	tmp := reachable(t, 0o755)
	return victims{branch(t, base, []txtar.File{
		{
			Name: "00002_posts.sql",
			Data: []byte("-- +goose Up\nALTER TABLE posts ADD COLUMN at timestamptz;\nUPDATE posts SET at = now();\nALTER TABLE users ALTER COLUMN id TYPE bigint;\n"),
		},
		{
			Name: "00003_index.sql",
			Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY posts_user ON posts (user_id);\nDO 'BEGIN PERFORM pg_sleep(0.2); END';\n"),
		},
	}), tmp, args, nil}
}

// victim is one of the processes.
type victim struct {
	cmd *exec.Cmd
	out bytes.Buffer
	tmp string
}

func (v victims) start(t *testing.T) *victim {
	t.Helper()
	return v.run(t, "rehearse --pg 18 --rows 20000 --traffic --fail-on never "+v.args)
}

// run starts the command line.
func (v victims) run(t *testing.T, args string, env ...string) *victim {
	t.Helper()
	dir, err := os.MkdirTemp(v.tmp, "")
	if err == nil {
		err = os.Chmod(dir, 0o777|os.ModeSticky) // as /tmp is: the server's watchdog removes its directory from there
	}
	if err != nil {
		t.Fatal(err)
	}
	c := &victim{cmd: exec.Command(os.Args[0], "-test.run=^TestFaultChild$"), tmp: dir}
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = v.repo, &c.out, &c.out
	c.cmd.Env = append(os.Environ(), "ONWARD_FAULT_CHILD="+args, "TMPDIR="+dir)
	c.cmd.Env = append(append(c.cmd.Env, v.env...), env...)
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// whole runs a rehearsal to its end, and gives how long that takes.
func (v victims) whole(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	c := v.start(t)
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("a rehearsal that nobody ended: %v\n%s", err, &c.out)
	}
	if !strings.Contains(c.out.String(), "rehears") {
		t.Fatalf("no rehearsal:\n%s", &c.out)
	}
	c.gone(t)
	return time.Since(start)
}

// wholes runs as many at once as are ended at once, and gives how long one takes.
func (v victims) wholes(t *testing.T) time.Duration {
	t.Helper()
	start := time.Now()
	var all sync.WaitGroup
	for range atOnce {
		c := v.start(t)
		all.Go(func() {
			if err := c.cmd.Wait(); err != nil {
				t.Errorf("a rehearsal that nobody ended: %v\n%s", err, &c.out)
			}
		})
	}
	all.Wait()
	return time.Since(start)
}

// left lists what there is of a process and its server: files, processes that
// work below its directory, sockets that listen there.
func (c *victim) left() []string {
	var found []string
	entries, _ := os.ReadDir(c.tmp)
	for _, e := range entries {
		// git's copy of the index: nobody watches over it, the next run
		// removes it (internal/scratch proves that).
		if strings.HasPrefix(e.Name(), "onward-index-") || strings.HasPrefix(e.Name(), "onward-new-index-") {
			continue
		}
		found = append(found, "file "+filepath.Join(c.tmp, e.Name()))
	}
	cwds, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, cwd := range cwds {
		if workDir, err := os.Readlink(cwd); err == nil && strings.HasPrefix(workDir, c.tmp) {
			cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(cwd), "cmdline"))
			if len(cmdline) > 0 { // not a zombie
				found = append(found, fmt.Sprintf("process %s %q", filepath.Dir(cwd), cmdline))
			}
		}
	}
	sockets, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(sockets)) {
		if strings.Contains(line, c.tmp) {
			found = append(found, "socket "+strings.TrimSpace(line))
		}
	}
	return found
}

// gone fails the test unless all of that has disappeared within some seconds.
func (c *victim) gone(t *testing.T) {
	t.Helper()
	var found []string
	for range 500 {
		if found = c.left(); found == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("still there: %s", strings.Join(found, "; "))
}

// orphans are the shared memory segments of servers that nobody is attached to and whose
// maker is dead. A server's segment has a key; one of an attempt to leave the sandbox has none.
func orphans(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/sysvipc/shm")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(text), "\n")[1:] {
		// key shmid perms size cpid lpid nattch …
		f := strings.Fields(line)
		if len(f) < 7 || f[0] == "0" || f[6] != "0" {
			continue
		}
		if pid, err := strconv.Atoi(f[4]); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			out = append(out, f[1])
		}
	}
	return out
}

// needServer skips, or fails, without binaries, and gives the directory of those.
func needServer(t *testing.T) (bin string) {
	t.Helper()
	s, err := pgserver.Start(t.Context(), pgserver.Config{Major: 18})
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	return s.Install().Bin
}

// ownCache gives the processes a cache of their own, empty, and the servers of a
// directory.
func (v *victims) ownCache(t *testing.T, bin string) (dir string) {
	t.Helper()
	dir = filepath.Join(v.tmp, "cache")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	v.env = append(v.env, "ONWARD_POSTGRES=installed", "XDG_CACHE_HOME="+dir, "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return dir
}

// end ends processes with a signal, each at an instant of its own that is
// spread evenly over a time, several at once. after looks at each. One that is
// through before its instant says how long it took: the machine has become less
// busy, and the instants of the next are spread over that. Then another takes its place.
func (v victims) end(t *testing.T, n int, whole time.Duration, rnd *rand.Rand, signal os.Signal, after func(c *victim, delay time.Duration, err error)) {
	t.Helper()
	room := make(chan struct{}, atOnce)
	var lasts, through atomic.Int64
	lasts.Store(int64(whole))
	var all sync.WaitGroup
	for started := 0; started < min(n+int(through.Load()), 4*n); started++ {
		room <- struct{}{}
		delay := time.Duration(rnd.Int64N(lasts.Load()))
		start := time.Now()
		c := v.start(t)
		all.Go(func() {
			defer func() { <-room }()
			ended := make(chan error, 1)
			go func() { ended <- c.cmd.Wait() }()
			var err error
			select {
			case err = <-ended:
				lasts.Store(int64(time.Since(start)))
				through.Add(1)
			case <-time.After(delay):
				asked := time.Now()
				if err := c.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Error(err)
				}
				err = <-ended
				if took := time.Since(asked); took > mostEnding {
					t.Errorf("it ended %s after it was asked to, which was %s after its start", took, delay)
				}
			}
			after(c, delay, err)
		})
		if started == n+int(through.Load())-1 {
			all.Wait() // some of the last may be through
		}
	}
	all.Wait()
}
