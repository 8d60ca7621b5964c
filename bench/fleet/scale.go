package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
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

// targetList lists the targets.
type targetList func(context.Context) ([]*fleet.Target, error)

// scale measures one release on many targets.
type scale struct {
	databases bool // each target is a database, and not a schema
	queue     bool // a worker does the work
	source    fleet.Source
	plan      *onward.Plan
	atOnce    int
	profile   string
}

// measured is what a release has cost.
type measured struct {
	list, run   time.Duration
	cpu         time.Duration // of this process
	memory      int64         // its largest resident size, in bytes
	connections int64
}

// run prints the cost for some numbers of targets.
func (s *scale) run(ctx context.Context, sizes []int) error {
	server, err := pgserver.Start(ctx, pgserver.Config{Major: 17, Settings: map[string]string{"max_connections": "200", "max_locks_per_transaction": "1024"}})
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	fmt.Println("targets  list      for each target  CPU of onward  memory   connections")
	for _, n := range sizes {
		m, err := s.measure(ctx, server, n)
		if err != nil {
			return err
		}
		each := func(d time.Duration) float64 { return 1000 * d.Seconds() / float64(n) }
		fmt.Printf("%7d  %6.2f s  %12.1f ms  %10.1f ms  %4d MB  %11d\n", n, m.list.Seconds(), each(m.run), each(m.cpu), m.memory>>20, m.connections)
	}
	return nil
}

func (s *scale) measure(ctx context.Context, server *pgserver.Server, n int) (m measured, err error) {
	targets, drop, err := s.createTargets(ctx, server, n)
	defer drop()
	if err != nil {
		return m, err
	}
	began := time.Now()
	if _, err := targets(ctx); err != nil {
		return m, err
	}
	m.list = time.Since(began)
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return m, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	watched, stop := context.WithCancel(ctx)
	var connections, memory atomic.Int64
	var all sync.WaitGroup
	all.Go(func() { watchServer(watched, conn, &connections) })
	all.Go(func() { watchMemory(watched, &memory) })
	end, err := startProfile(s.profile)
	if err != nil {
		stop()
		return m, err
	}
	before := usedCPU()
	began = time.Now()
	r, err := s.carryOut(ctx, server, s.config(targets))
	m.run, m.cpu = time.Since(began), usedCPU()-before
	end()
	stop()
	all.Wait()
	m.connections, m.memory = connections.Load(), memory.Load()
	if err == nil && len(r.Targets) != n {
		err = fmt.Errorf("%d targets, and not %d", len(r.Targets), n)
	}
	return m, err
}

func (s *scale) carryOut(ctx context.Context, server *pgserver.Server, c fleet.Config) (*onward.Rollout, error) {
	if s.queue {
		return s.runQueued(ctx, server, c)
	}
	return fleet.Run(ctx, c)
}

// guardWork returns the work that runs this program as the migration tool.
func guardWork() fleet.Work {
	program, _ := os.Executable()
	return fleet.GuardCommand(guard.Config{Command: []string{program}, Env: append(os.Environ(), toolVariable+"=1"), Out: io.Discard, Err: os.Stderr}, "")
}

// config returns the release.
func (s *scale) config(list targetList) fleet.Config {
	waves, _ := fleet.ParseWaves(fleet.DefaultWaves) // a constant
	return fleet.Config{
		List: list, Release: "bench", Digest: "bench", Waves: waves, AtOnce: s.atOnce, PerServer: s.atOnce, Work: s.work(nil), Who: "bench", Within: time.Minute,
		Tell: func(string) {},
	}
}

// createTargets creates schemas or databases, and returns how they are listed.
func (s *scale) createTargets(ctx context.Context, server *pgserver.Server, n int) (list targetList, drop func(), err error) {
	var names []string
	drop = func() {
		for _, name := range names {
			_ = server.DropDatabase(context.WithoutCancel(ctx), name)
		}
	}
	create := func(sql string) (string, error) {
		name, err := server.NewDatabase(ctx, "")
		if err != nil {
			return "", err
		}
		names = append(names, name)
		return server.URL(name), execute(ctx, server.URL(name), sql)
	}
	const rows = "INSERT INTO item SELECT n, 'nick ' || n, n FROM generate_series(1, 1000) AS n; "
	if s.databases {
		var targets []*fleet.Target
		for i := range n {
			db, err := create(planBase + rows)
			if err != nil {
				return nil, drop, err
			}
			targets = append(targets, &fleet.Target{Name: schemaName(i), Address: db})
		}
		return func(context.Context) ([]*fleet.Target, error) { return targets, nil }, drop, nil
	}
	db, err := create("")
	for i := 0; i < n && err == nil; i++ {
		err = execute(ctx, db, "CREATE SCHEMA "+schemaName(i)+"; SET search_path = "+schemaName(i)+"; "+planBase+rows)
	}
	if err == nil {
		err = execute(ctx, db, "ANALYZE")
	}
	s.source = fleet.Source{Text: "schemas:tenant_*", DB: db}
	return func(ctx context.Context) ([]*fleet.Target, error) { return fleet.ListTargets(ctx, s.source) }, drop, err
}

func execute(ctx context.Context, db, sql string) error {
	conn, err := pgx.Connect(ctx, db)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
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

// watchServer keeps the most connections to a server, without its own.
func watchServer(ctx context.Context, conn *pgx.Conn, most *atomic.Int64) {
	for ctx.Err() == nil {
		var n int64
		if conn.QueryRow(context.WithoutCancel(ctx), `SELECT count(*) FROM pg_stat_activity
			WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&n) == nil {
			most.Store(max(most.Load(), n))
		}
		time.Sleep(20 * time.Millisecond)
	}
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
