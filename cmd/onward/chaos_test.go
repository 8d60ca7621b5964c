package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// chaos is a fleet in which processes and servers are killed at random.
type chaos struct {
	t       *testing.T
	dir     string   // a repository with migrations, and targets.txt
	targets []string // addresses
	servers []string // addresses on the servers that crash; the first one is the queue's
	queue   string
	rows    int

	mu      sync.Mutex
	workers []*exec.Cmd
	log     bytes.Buffer // of the workers that have ended
	kills   map[string]int
}

// readNumber returns the number in a variable of the environment.
func readNumber(t *testing.T, name string, value int) int {
	t.Helper()
	if text := os.Getenv(name); text != "" {
		var err error
		if value, err = strconv.Atoi(text); err != nil || value < 1 {
			t.Fatalf("%s=%s, want a number above 0", name, text)
		}
	}
	return value
}

// TestChaos carries releases out on many databases, while workers, the queue's server and the targets' servers are killed. In the end
// each target has each release exactly once, with all rows, and nothing is left. ONWARD_CHAOS_MINUTES is for how long new releases begin
// (0 for one release), and ONWARD_CHAOS_TARGETS how many databases there are.
func TestChaos(t *testing.T) {
	t.Parallel()
	minutes := 0
	if os.Getenv("ONWARD_CHAOS_MINUTES") != "" {
		minutes = readNumber(t, "ONWARD_CHAOS_MINUTES", 0)
	}
	c := newChaos(t, readNumber(t, "ONWARD_CHAOS_TARGETS", 14), 2+min(minutes, 1))
	for range len(c.workers) {
		c.startWorker()
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.killAtRandom(ctx, minutes == 0)
	}()
	end := time.Now().Add(time.Duration(minutes) * time.Minute)
	releases := 0
	for ok := true; ok && (releases == 0 || time.Now().Before(end)); {
		releases++
		ok = c.release(releases)
	}
	stop()
	<-done
	c.stopWorkers()
	c.check(releases)
	t.Logf("%d releases with contract on %d databases; killed: %v", releases, len(c.targets), c.kills)
	if c.kills["worker"] == 0 || c.kills["queue"] == 0 || c.kills["target"] == 0 {
		t.Error("something was never killed")
	}
	if t.Failed() {
		t.Log(c.log.String())
	}
}

// newChaos makes the servers, the databases and the first migration.
func newChaos(t *testing.T, count, workers int) *chaos {
	t.Helper()
	c := &chaos{t: t, dir: t.TempDir(), rows: 6000, kills: map[string]int{}, workers: make([]*exec.Cmd, workers)}
	var list []*pgserver.Server
	for range 3 { // not shared with other tests; without synchronous_commit, a crash would take commits back
		s, err := pgserver.Start(t.Context(), pgserver.Config{
			Major: onward.NewestMajor, Small: true, Settings: map[string]string{"synchronous_commit": "on"},
		})
		if err != nil {
			pgservertest.SkipOrFail(t, err)
		}
		t.Cleanup(func() { _ = s.Stop() })
		list = append(list, s)
		c.servers = append(c.servers, s.URL("postgres"))
	}
	newDatabase := func(s *pgserver.Server) string {
		name, err := s.NewDatabase(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return s.URL(name)
	}
	c.queue = newDatabase(list[0])
	var lines strings.Builder
	for i := range count {
		address := newDatabase(list[1+i%2])
		c.targets = append(c.targets, address)
		fmt.Fprintf(&lines, "%s name=db_%03d\n", address, i)
		conn := pgservertest.Connect(t, address)
		pgservertest.Exec(t, conn, chaosBase, fmt.Sprintf("INSERT INTO account SELECT n, 'nick ' || n, n FROM generate_series(1, %d) AS n", c.rows))
		_ = conn.Close(t.Context())
	}
	c.write("targets.txt", lines.String())
	c.write("migrations/00001_base.sql", "-- +goose Up\n"+chaosBase)
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "migrations"}, {"commit", "-qm", "base"}} {
		c.git(args...)
	}
	return c
}

const chaosBase = "CREATE TABLE account (id bigint PRIMARY KEY, nick_0 text, amount int);\n"

func (c *chaos) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o600)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *chaos) git(args ...string) {
	c.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org")
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// command returns a command of onward.
func (c *chaos) command(args ...string) *exec.Cmd {
	cmd := exec.Command("onward", args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "QUEUE_URL="+c.queue)
	return cmd
}

// release plans a migration, and puts its phases into the queue until they are done.
func (c *chaos) release(number int) bool {
	c.write(fmt.Sprintf("migrations/%05d_rename.sql", number+1), fmt.Sprintf("-- +goose Up\nALTER TABLE account RENAME COLUMN nick_%d TO nick_%d;\n"+
		"CREATE INDEX account_amount_%d ON account (amount);\nALTER TABLE account ADD CONSTRAINT account_check_%d CHECK (amount >= 0);\n",
		number-1, number, number, number))
	c.git("add", "migrations")
	c.git("commit", "-qm", "rename")
	plan := fmt.Sprintf("plan_%d.json", number)
	if out, err := c.command("plan", "--base", "HEAD~1", "--sketch", "--format", "json", "--output", plan).CombinedOutput(); err != nil {
		c.t.Errorf("onward plan of release %d: %v\n%s", number, err, out)
		return false
	}
	release := fmt.Sprintf("v%d", number)
	for _, phase := range []string{"backfill", "contract"} {
		args := []string{
			"apply", "--targets", "targets.txt", "--release", release, "--plan", plan, "--unproven", "chaos", "--queue", "env:QUEUE_URL", "--through", phase,
			"--waves", "10%,100%",
		}
		if phase == "contract" {
			args = append(args, "--old-code-is-gone", "nobody uses it", "--statement-window", "0")
		}
		// A killed worker's targets wait for half a minute, and in a long run kills are that frequent.
		for end := time.Now().Add(2*time.Minute + 3*time.Second*time.Duration(len(c.targets))); ; time.Sleep(time.Second) {
			// A crash may hit the command itself: the same command goes on.
			out, err := c.command(args...).CombinedOutput()
			if err == nil {
				break
			}
			if time.Now().After(end) {
				c.t.Errorf("onward apply --release %s --through %s still fails: %v\n%s", release, phase, err, out)
				return false
			}
		}
	}
	return true
}

// startWorker starts a worker in a free place. Its log is kept when it ends.
func (c *chaos) startWorker() {
	cmd := c.command("fleet", "worker", "--queue", "env:QUEUE_URL", "--targets", "targets.txt", "--at-once", "3", "--drain", "5s")
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.workers {
		if c.workers[i] != nil {
			continue
		}
		if err := cmd.Start(); err != nil {
			c.t.Error(err)
			return
		}
		c.workers[i] = cmd
		go func() {
			_ = cmd.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			c.workers[i] = nil
			_, _ = c.log.ReadFrom(out)
		}()
		return
	}
}

// signal sends a signal to a worker, and reports whether there was one.
func (c *chaos) signal(i int, s syscall.Signal) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.workers[i] != nil && c.workers[i].Process.Signal(s) == nil
}

func (c *chaos) stopWorkers() {
	for i := range c.workers {
		c.signal(i, syscall.SIGTERM)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		running := 0
		for i := range c.workers {
			if c.signal(i, syscall.Signal(0)) {
				running++
			}
		}
		if running == 0 {
			return
		}
		if time.Now().After(end) {
			c.t.Errorf("%d workers do not end", running)
			for i := range c.workers {
				c.signal(i, syscall.SIGKILL)
			}
			return
		}
	}
}

// killAtRandom kills until the context ends. brief: each kind once.
func (c *chaos) killAtRandom(ctx context.Context, brief bool) {
	random := rand.New(rand.NewPCG(1, 2))
	pause := 2 * time.Second
	if brief {
		pause = time.Second
	}
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause + time.Duration(random.Int64N(int64(2*pause)))):
		}
		killKind := random.IntN(4)
		if brief {
			killKind = i
		}
		switch killKind {
		case 0, 3:
			if !brief || i == 0 {
				c.killWorker(ctx, random.IntN(len(c.workers)))
			}
		case 1:
			c.crash(ctx, "queue", c.servers[0])
		case 2:
			c.crash(ctx, "target", c.servers[1+random.IntN(len(c.servers)-1)])
		}
		for range len(c.workers) { // one may also have ended because the queue was away at its start
			c.startWorker()
		}
	}
}

func (c *chaos) killWorker(ctx context.Context, i int) {
	if c.signal(i, syscall.SIGKILL) {
		c.count("worker")
	}
	select {
	case <-ctx.Done():
	case <-time.After(300 * time.Millisecond): // less than the others need
	}
}

func (c *chaos) count(killKind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kills[killKind]++
}

// crash kills a server process: the server ends all sessions, and recovers.
func (c *chaos) crash(ctx context.Context, killKind, address string) {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return // it recovers from the last crash
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var pid int
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
		return
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		c.t.Error(err)
		return
	}
	c.count(killKind)
}

// check checks the content of each target, its ledgers, and the queue.
func (c *chaos) check(releases int) {
	c.t.Helper()
	want := fmt.Sprintf("%d right rows, columns amount id nick_%d, %d valid indexes, %d valid constraints, plans %d of %d done, targets %d of %d done, lease ''",
		c.rows, releases, 1+releases, 1+releases, releases, releases, 2*releases, 2*releases)
	query := fmt.Sprintf(`SELECT format('%%s right rows, columns %%s, %%s valid indexes, %%s valid constraints, plans %%s of %%s done, '
		'targets %%s of %%s done, lease ''%%s''',
		(SELECT count(*) FROM account WHERE nick_%d = 'nick ' || id),
		(SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'account'::regclass AND attnum > 0 AND NOT attisdropped),
		(SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid = 'account'::regclass),
		(SELECT count(*) FROM pg_constraint WHERE convalidated AND conrelid = 'account'::regclass AND contype IN ('c', 'p')),
		(SELECT count(*) FROM onward_ledger.plan WHERE state = 'done'), (SELECT count(*) FROM onward_ledger.plan),
		(SELECT count(*) FROM onward_fleet.target WHERE state = 'done'), (SELECT count(*) FROM onward_fleet.target),
		(SELECT holder FROM onward_ledger.lease))`, releases)
	for i, address := range c.targets {
		if got := c.ask(address, query); got != want {
			u, _ := url.Parse(address)
			c.t.Errorf("db_%03d (%s): %s, want %s", i, u.Path, got, want)
		}
	}
	if got := c.ask(c.queue, `SELECT string_agg(DISTINCT state || coalesce(run::text, '') || holder, ' ') FROM onward_queue.target`); got != "done" {
		c.t.Error("the queue has ", got)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for line := range strings.Lines(c.log.String()) {
		if strings.Contains(line, `"state":"failed"`) || strings.Contains(line, `"state":"unreachable"`) || strings.Contains(line, "panic") {
			c.t.Errorf("the log reports a failed or unreachable target, or a panic: %s", line)
		}
	}
}

// ask returns the only value of a query, also if the server recovers at the moment.
func (c *chaos) ask(address, query string) (out string) {
	c.t.Helper()
	err := errors.New("never asked")
	refused := new(pgconn.PgError)
	for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if errors.As(err, &refused) && !strings.HasPrefix(refused.Code, "57") {
			break
		}
		var conn *pgx.Conn
		if conn, err = pgx.Connect(context.Background(), address); err == nil {
			err = conn.QueryRow(context.Background(), query).Scan(&out)
			_ = conn.Close(context.Background())
		}
	}
	if err != nil {
		c.t.Error(err)
	}
	return out
}
