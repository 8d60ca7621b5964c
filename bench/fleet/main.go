// Command fleet measures a release on many schemas of one database: targets in a second, beside the guard alone at the same
// concurrency, and the cost of a target as their number grows. The release has five migrations and changes 1,000 rows.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver"
)

// leastPart is the limit: targets in a second of a fleet, beside the guard alone.
const leastPart = 0.8

// toolVariable makes this program the migration tool.
const toolVariable = "BENCH_FLEET_TOOL"

const release = `ALTER TABLE item ADD note text; ALTER TABLE item ADD n int DEFAULT 0; CREATE TABLE part (id bigint PRIMARY KEY, item bigint);
	CREATE INDEX part_item ON part (item); ALTER TABLE item ALTER note SET DEFAULT ''; UPDATE item SET n = id`

func main() {
	if os.Getenv(toolVariable) != "" {
		os.Exit(runTool())
	}
	sizes := flag.String("sizes", "100,300,1000", "how many `schemas` there are")
	atOnce := flag.Int("at-once", 4, "how many targets are worked on at once")
	work := flag.String("scale", "", "measure the cost of a target as their number grows: `guard` or apply")
	databases := flag.Bool("databases", false, "with --scale: each target is a database")
	servers := flag.Int("servers", 1, "with --databases: how many `servers` there are")
	queue := flag.Bool("queue", false, "with --scale: a worker does the work, with a queue database on the first server")
	pattern := flag.String("pattern", "tenant_*", "with --scale: the `schemas` that get the release; the others only are there")
	profile := flag.String("profile", "", "with --scale: the `file` for a CPU profile")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	counts, err := parseSizes(*sizes)
	missed := false
	switch {
	case err != nil:
	case *work == "":
		missed, err = measureSizes(ctx, counts, *atOnce)
	default:
		s := scale{databases: *databases, queue: *queue, pattern: *pattern, atOnce: *atOnce, profile: *profile}
		if *work == "apply" {
			s.plan, err = makePlan(ctx)
		}
		if err == nil {
			err = s.printCosts(ctx, counts, *servers)
		}
	}
	stop()
	measure.ExitIf(missed, err)
}

// runTool runs the release in the database of DATABASE_URL.
func runTool() int {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err == nil {
		_, err = conn.Exec(ctx, release)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func parseSizes(text string) (out []int, err error) {
	for size := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

func measureSizes(ctx context.Context, sizes []int, atOnce int) (missed bool, err error) {
	server, err := pgserver.Start(ctx, pgserver.Config{Major: 17, Settings: map[string]string{"max_connections": "200", "max_locks_per_transaction": "1024"}})
	if err != nil {
		return false, err
	}
	defer func() { _ = server.Stop() }()
	fmt.Println("schemas  guard alone  fleet        part  connections")
	for _, n := range sizes {
		alone, _, err := measureRelease(ctx, server, n, atOnce, runGuardPerSchema)
		if err != nil {
			return false, err
		}
		fleetTime, connections, err := measureRelease(ctx, server, n, atOnce, runFleet)
		if err != nil {
			return false, err
		}
		part := alone.Seconds() / fleetTime.Seconds()
		missed = missed || part < leastPart
		fmt.Printf("%7d  %8.1f ms  %8.1f ms  %4.2f  %11d\n", n, 1000*alone.Seconds()/float64(n), 1000*fleetTime.Seconds()/float64(n), part, connections)
	}
	return missed, nil
}

// measureRelease measures a release on n new schemas, and the most connections that it takes.
func measureRelease(ctx context.Context, server *pgserver.Server, n, atOnce int,
	run func(ctx context.Context, base guard.Config, db string, n, atOnce int) error,
) (took time.Duration, connections int64, err error) {
	name, err := server.NewDatabase(ctx, "")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = server.DropDatabase(context.WithoutCancel(ctx), name) }()
	db := server.URL(name)
	conn, err := pgx.Connect(ctx, db)
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for i := range n {
		if _, err := conn.Exec(ctx, strings.ReplaceAll(`CREATE SCHEMA @; CREATE TABLE @.item (id bigint PRIMARY KEY);
			INSERT INTO @.item SELECT generate_series(1, 1000)`, "@", schemaName(i))); err != nil {
			return 0, 0, err
		}
	}
	if _, err := conn.Exec(ctx, "ANALYZE; CHECKPOINT"); err != nil {
		return 0, 0, err
	}
	program, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	watched, stop := context.WithCancel(ctx)
	var most atomic.Int64
	var all sync.WaitGroup
	all.Go(func() { watchConnections(watched, conn, &most) })
	base := guard.Config{Command: []string{program}, Env: append(os.Environ(), toolVariable+"=1"), Out: io.Discard, Err: os.Stderr}
	began := time.Now()
	err = run(ctx, base, db, n, atOnce)
	took = time.Since(began)
	stop()
	all.Wait()
	return took, most.Load(), err
}

func schemaName(i int) string { return fmt.Sprintf("tenant_%05d", i) }

// watchConnections keeps the most connections to the database, without its own.
func watchConnections(ctx context.Context, conn *pgx.Conn, most *atomic.Int64) {
	for ctx.Err() == nil {
		var n int64
		if conn.QueryRow(context.WithoutCancel(ctx), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&n) == nil {
			most.Store(max(most.Load(), n))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// runGuardPerSchema runs the guard for each schema, without ledger and waves.
func runGuardPerSchema(ctx context.Context, base guard.Config, db string, n, atOnce int) error {
	work := fleet.GuardCommand(base, "")
	slots := make(chan struct{}, atOnce)
	failed := make(chan error, n)
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			t := &fleet.Target{Name: schemaName(i), Address: db, Schema: schemaName(i)}
			if code, err := work(ctx, t, func(int) error { return nil }); err != nil || code != 0 {
				failed <- fmt.Errorf("%s: exit code %d, %w", t.Name, code, err)
			}
		})
	}
	all.Wait()
	close(failed)
	return <-failed
}

// runFleet runs the release with waves and ledger.
func runFleet(ctx context.Context, base guard.Config, db string, _, atOnce int) error {
	waves, err := fleet.ParseWaves(fleet.DefaultWaves)
	if err != nil {
		return err
	}
	_, err = fleet.Run(ctx, fleet.Config{
		List: func(ctx context.Context) ([]*fleet.Target, error) {
			return fleet.ListTargets(ctx, fleet.Source{Text: "schemas:tenant_*", DB: db})
		},
		Release: "bench", Digest: "bench", Waves: waves, AtOnce: atOnce, PerServer: atOnce, Work: fleet.GuardCommand(base, ""), Who: "bench",
		Within: time.Minute, Tell: func(string) {},
	})
	return err
}
