package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// The release of a plan: a renamed column, whose 1,000 rows are filled, an index and a constraint.
const (
	planBase = "CREATE TABLE item (id bigint PRIMARY KEY, nick text, amount int);\n"
	planNext = `ALTER TABLE item RENAME COLUMN nick TO nickname;
ALTER TABLE item ADD COLUMN note text;
CREATE TABLE part (id bigint PRIMARY KEY, item bigint);
CREATE INDEX item_amount ON item (amount);
ALTER TABLE item ADD CONSTRAINT item_amount_check CHECK (amount >= 0);
`
)

// targetList returns the targets: databases, or schemas of one database.
type targetList func(context.Context) ([]*fleet.Target, error)

// scale measures one release on many targets.
type scale struct {
	databases bool // each target is a database, and not a schema
	queue     bool // a worker does the work
	servers   []*pgserver.Server
	pattern   string // of the schemas that get the release; the others only are there
	source    fleet.Source
	plan      *onward.Plan // the plan that apply runs; nil to measure the guard
	atOnce    int
	profile   string
}

// measured is what a release has cost.
type measured struct {
	targets     int
	create      time.Duration // of the targets
	list, run   time.Duration
	cpu         time.Duration // of this process
	serverCPU   time.Duration // of the servers' processes that have ended
	memory      int64         // its largest resident size, in bytes
	connections int64
}

// printCosts prints the cost for some numbers of targets.
func (s *scale) printCosts(ctx context.Context, sizes []int, servers int) error {
	defer func() {
		for _, server := range s.servers {
			_ = server.Stop()
		}
	}()
	for range servers {
		server, err := pgserver.Start(ctx, pgserver.Config{
			Major: 17, Settings: map[string]string{"max_connections": "200", "max_locks_per_transaction": "1024"},
		})
		if err != nil {
			return err
		}
		s.servers = append(s.servers, server)
	}
	fmt.Println("targets           create    list      for each target  CPU of onward  CPU of Postgres  memory   connections")
	for _, n := range sizes {
		m, err := s.measureTargets(ctx, n)
		if err != nil {
			return err
		}
		each := func(d time.Duration) float64 { return 1000 * d.Seconds() / float64(m.targets) }
		fmt.Printf("%7d of %5d  %6.1f s  %6.2f s  %12.1f ms  %10.1f ms  %12.1f ms  %4d MB  %11d\n", m.targets, n, m.create.Seconds(), m.list.Seconds(),
			each(m.run), each(m.cpu), each(m.serverCPU), m.memory>>20, m.connections)
	}
	return nil
}

func (s *scale) measureTargets(ctx context.Context, n int) (m measured, err error) {
	began := time.Now()
	targets, drop, err := s.createTargets(ctx, n)
	defer drop()
	if err != nil {
		return m, err
	}
	m.create, began = time.Since(began), time.Now()
	list, err := targets(ctx)
	if err != nil {
		return m, err
	}
	m.list, m.targets = time.Since(began), len(list)
	watched, stop := context.WithCancel(ctx)
	var connections, memory atomic.Int64
	var all sync.WaitGroup
	all.Go(func() { s.watchServerConnections(watched, &connections) })
	all.Go(func() { watchMemory(watched, &memory) })
	end, err := startProfile(s.profile)
	if err != nil {
		stop()
		return m, err
	}
	before, serverBefore := usedCPU(), s.usedServerCPU(ctx)
	began = time.Now()
	r, err := s.runRollout(ctx, s.rolloutConfig(targets))
	m.run, m.cpu, m.serverCPU = time.Since(began), usedCPU()-before, s.usedServerCPU(ctx)-serverBefore
	end()
	stop()
	all.Wait()
	m.connections, m.memory = connections.Load(), memory.Load()
	if err == nil && len(r.Targets) != m.targets {
		err = fmt.Errorf("%d targets, and not %d", len(r.Targets), m.targets)
	}
	return m, err
}

func (s *scale) runRollout(ctx context.Context, c fleet.Config) (*onward.Rollout, error) {
	if s.queue {
		return s.runQueuedRollout(ctx, c)
	}
	return fleet.Run(ctx, c)
}

// guardWork returns the work that runs this program as the migration tool.
func guardWork() fleet.Work {
	program, _ := os.Executable()
	return fleet.GuardCommand(guard.Config{Command: []string{program}, Env: append(os.Environ(), toolVariable+"=1"), Out: io.Discard, Err: os.Stderr}, "")
}

// rolloutConfig returns the settings of the rollout.
func (s *scale) rolloutConfig(list targetList) fleet.Config {
	waves, _ := fleet.ParseWaves(fleet.DefaultWaves) // a constant
	return fleet.Config{
		List: list, Release: "bench", Digest: "bench", Waves: waves, AtOnce: s.atOnce, PerServer: s.atOnce, Work: s.targetWork(nil), Who: "bench",
		Within: time.Minute,
		Tell:   func(string) {},
	}
}

// createTargets creates schemas, or databases on all servers in turn, and returns how they are listed.
func (s *scale) createTargets(ctx context.Context, n int) (list targetList, drop func(), err error) {
	var drops []func()
	drop = func() {
		for _, f := range drops {
			f()
		}
	}
	create := func(i int, sql string) (string, error) {
		server := s.servers[i%len(s.servers)]
		name, err := server.NewDatabase(ctx, "")
		if err != nil {
			return "", err
		}
		drops = append(drops, func() { _ = server.DropDatabase(context.WithoutCancel(ctx), name) })
		return server.URL(name), executeStatements(ctx, server.URL(name), sql)
	}
	const rows = "INSERT INTO item SELECT n, 'nick ' || n, n FROM generate_series(1, 1000) AS n; "
	if s.databases {
		return s.createDatabases(n, func(i int) (string, error) { return create(i, planBase+rows) }, drop)
	}
	var schemas []string
	for i := range n {
		schemas = append(schemas, "CREATE SCHEMA "+schemaName(i)+"; SET search_path = "+schemaName(i)+"; "+planBase+rows)
	}
	db, err := create(0, "")
	if err == nil {
		err = executeStatements(ctx, db, append(schemas, "ANALYZE")...)
	}
	s.source = fleet.Source{Text: "schemas:" + s.pattern, DB: db}
	return func(ctx context.Context) ([]*fleet.Target, error) { return fleet.ListTargets(ctx, s.source) }, drop, err
}

// createDatabases creates databases and a file that lists them.
func (s *scale) createDatabases(n int, create func(i int) (string, error), drop func()) (list targetList, _ func(), err error) {
	file, err := os.CreateTemp("", "bench-fleet-")
	if err != nil {
		return nil, drop, err
	}
	for i := 0; i < n && err == nil; i++ {
		var db string
		if db, err = create(i); err == nil {
			_, err = fmt.Fprintf(file, "%q name=%s\n", db, schemaName(i))
		}
	}
	s.source = fleet.Source{Text: file.Name()}
	return func(ctx context.Context) ([]*fleet.Target, error) { return fleet.ListTargets(ctx, s.source) }, func() {
		drop()
		_ = os.Remove(file.Name())
	}, errors.Join(err, file.Close())
}

// executeStatements runs texts of statements, one after the other.
func executeStatements(ctx context.Context, db string, list ...string) error {
	conn, err := pgx.Connect(ctx, db)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range list {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// makePlan makes the plan of the release, in a repository of its own.
func makePlan(ctx context.Context) (*onward.Plan, error) {
	dir, err := os.MkdirTemp("", "bench-fleet-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for i, sql := range []string{planBase, planNext} {
		file := filepath.Join(dir, "migrations", fmt.Sprintf("%05d_m.sql", i+1))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(file, []byte("-- +goose Up\n"+sql), 0o600); err != nil {
			return nil, err
		}
		for _, words := range []string{"init -q -b main", "add .", "-c user.name=b -c user.email=b@example.org commit -qm m", "tag v" + fmt.Sprint(i+1)} {
			if out, err := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, strings.Fields(words)...)...).CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%w: %s", err, out)
			}
		}
	}
	p, _, err := plan.Make(ctx, plan.Config{Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "v1", Head: "v2"}, Majors: []int{17}}, Sketch: true})
	return p, err
}

// watchServerConnections keeps the most connections to all servers, without its own.
func (s *scale) watchServerConnections(ctx context.Context, most *atomic.Int64) {
	uncancelled := context.WithoutCancel(ctx)
	var conns []*pgx.Conn
	for _, server := range s.servers {
		if conn, err := pgx.Connect(uncancelled, server.URL("postgres")); err == nil {
			defer conn.Close(uncancelled)
			conns = append(conns, conn)
		}
	}
	for ctx.Err() == nil {
		var all int64
		for _, conn := range conns {
			var n int64
			if conn.QueryRow(uncancelled, `SELECT count(*) FROM pg_stat_activity
				WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&n) == nil {
				all += n
			}
		}
		most.Store(max(most.Load(), all))
		time.Sleep(20 * time.Millisecond)
	}
}

// usedServerCPU returns the time that the servers' processes have worked, of those that have ended.
func (s *scale) usedServerCPU(ctx context.Context) (out time.Duration) {
	const ticks = 100 // Linux has this many in a second
	for _, server := range s.servers {
		conn, err := pgx.Connect(ctx, server.URL("postgres"))
		if err != nil {
			continue
		}
		var pid string
		err = conn.QueryRow(ctx, "SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)").Scan(&pid)
		_ = conn.Close(ctx)
		stat, problem := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || problem != nil {
			continue
		}
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])) // from the third one on
		for _, f := range fields[13:15] {                                         // cutime and cstime
			n, _ := strconv.ParseInt(f, 10, 64)
			out += time.Duration(n) * time.Second / ticks
		}
	}
	return out
}

// watchMemory keeps the largest resident size of this process.
func watchMemory(ctx context.Context, most *atomic.Int64) {
	for ctx.Err() == nil {
		var size, resident int64
		if text, err := os.ReadFile("/proc/self/statm"); err == nil {
			if _, err := fmt.Sscan(string(text), &size, &resident); err == nil {
				most.Store(max(most.Load(), resident*int64(os.Getpagesize())))
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// usedCPU returns the time that this process has worked, without its commands.
func usedCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func startProfile(file string) (end func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}
