// Command stalls compares what a load feels of a migration: the twelve classic changes, each made
// as it is written, by a migration tool with its defaults, by pgroll, and by a plan that onward
// carries out, while a reader holds the table for five seconds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/bench/cost"
	"github.com/onward-sql/onward/bench/run"
	"github.com/onward-sql/onward/internal/pgserver"
)

const (
	major = 17
	// reads is for how long the reader holds the table, and ahead for how long it has when the migration begins.
	reads, ahead = 5 * time.Second, 100 * time.Millisecond
	// warm is for how long the load runs before it counts, and after for how long when all is done.
	warm, after = time.Second, 500 * time.Millisecond
)

// settings are the flags.
type settings struct {
	rows, runs   int
	rate         float64
	only, by     *regexp.Regexp
	roller, keep string
	backfill     bool
	locks        bool
}

func main() {
	cost.RunOne()
	var s settings
	var only, ways string
	flag.IntVar(&s.rows, "rows", fromEnv("ROWS", 5_000_000), "rows of the table; ROWS in the environment")
	flag.IntVar(&s.runs, "runs", fromEnv("RUNS", 5), "runs, of which the medians are printed; RUNS in the environment")
	flag.Float64Var(&s.rate, "rate", 400, "queries in a second, of all clients together")
	flag.StringVar(&only, "changes", "", "the changes whose names match a `regexp`")
	flag.StringVar(&ways, "ways", "", "the ways whose names match a `regexp`")
	flag.StringVar(&s.roller, "pgroll", "pgroll", "the `program` pgroll")
	flag.StringVar(&s.keep, "keep", "", "a `directory` for plans and what onward says, which stays")
	flag.BoolVar(&s.locks, "locks", false, "print for how long the load waited for locks, too, where that is longer than 20 ms: "+
		"the server's deadlock_timeout is changed for it")
	flag.BoolVar(&s.backfill, "backfill", false, "measure backfills instead")
	flag.Parse()
	var err error
	if s.only, err = regexp.Compile(only); err == nil {
		s.by, err = regexp.Compile(ways)
	}
	if err != nil || s.rows < 1000 || s.runs < 1 || s.rate <= 0 {
		fmt.Fprintln(os.Stderr, "bench: -rows is 1000 at least, -runs 1, -rate above 0;", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	missed, err := runAll(ctx, &s)
	stop()
	run.ExitIf(missed, err)
}

func fromEnv(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// bench is one server with the filled table, and what is run on copies of it.
type bench struct {
	*settings
	*tools
	near     int
	server   *pgserver.Server
	template string
}

func runAll(ctx context.Context, s *settings) (missed bool, err error) {
	dir := s.keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "onward-bench-"); err != nil {
			return false, err
		}
		defer os.RemoveAll(dir)
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	b := &bench{settings: s, near: min(s.rows, 100_000)}
	if b.tools, err = findTools(ctx, dir, s.roller); err != nil {
		return false, err
	}
	// As servers are that live: vacuum works when it is due, which it looks for more often here than
	// once a minute, so that a short run meets it, too.
	server := map[string]string{"autovacuum": "on", "autovacuum_naptime": "5s", "shared_buffers": "512MB", "max_wal_size": "8GB"}
	if s.locks {
		server["log_lock_waits"], server["deadlock_timeout"] = "on", "20ms"
	}
	b.server, err = pgserver.Start(ctx, pgserver.Config{Major: major, Settings: server})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, b.server.Stop()) }()
	if b.template, err = b.server.NewDatabase(ctx, ""); err != nil {
		return false, err
	}
	fill := strings.NewReplacer("$ROWS", strconv.Itoa(b.rows), "$NEAR", strconv.Itoa(b.near)).Replace(rows)
	for _, sql := range append([]string{base}, strings.SplitAfter(strings.TrimSpace(fill), ";\n")...) {
		if err := b.sendSQL(ctx, b.template, sql); err != nil {
			return false, err
		}
	}
	if s.backfill {
		return b.compareBackfills(ctx)
	}
	return b.compareWays(ctx)
}

// sendSQL runs SQL in one message on a connection of its own.
func (b *bench) sendSQL(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, b.server.URL(database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// compareWays makes all changes in all ways, in turn.
func (b *bench) compareWays(ctx context.Context) (missed bool, err error) {
	if err := b.measureCapacity(ctx); err != nil {
		return false, err
	}
	list := b.tools.availableWays()
	results := map[string]map[string][]figures{}
	for range b.runs {
		for i := range changes {
			c := &changes[i]
			if !b.only.MatchString(c.name) {
				continue
			}
			if results[c.name] == nil {
				results[c.name] = map[string][]figures{}
			}
			for _, w := range list {
				if !b.by.MatchString(w.name) {
					continue
				}
				f, err := b.makeChange(ctx, c, &w)
				stopped := new(stoppedError)
				switch {
				case errors.Is(err, errWithout):
					fmt.Printf("%s cannot make the change to the %s: %s\n", w.name, c.name, c.without)
					continue
				case errors.As(err, &stopped) && w.name != list[len(list)-1].name && ctx.Err() == nil:
					fmt.Printf("%s by %s failed: %s\n", c.name, w.name, stopped.lastLine())
					f.failed = true
				case err != nil:
					return false, fmt.Errorf("%s by %s: %w", c.name, w.name, err)
				}
				fmt.Fprintf(os.Stderr, "%s by %s: %s\n", c.name, w.name, f)
				results[c.name][w.name] = append(results[c.name][w.name], f)
			}
		}
	}
	return b.printTables(list, results), nil
}

// measureCapacity says how many queries the same clients get through when nothing holds them back: the load must
// be far below that, so that its stalls are locks.
func (b *bench) measureCapacity(ctx context.Context) error {
	database, err := b.server.NewDatabase(ctx, b.template)
	if err != nil {
		return err
	}
	defer func() { _ = b.server.DropDatabase(context.WithoutCancel(ctx), database) }() // the server goes with all of them
	l, err := startLoad(ctx, b.server.URL(database), b.rows, b.near, clients, 0)
	if err != nil {
		return err
	}
	err = sleepContext(ctx, warm)
	l.resetCount()
	err = errors.Join(err, sleepContext(ctx, 3*time.Second))
	f, ended := l.stopClients()
	if b.locks {
		f.locked = b.longestLockWait(l)
	}
	if err := errors.Join(err, ended); err != nil {
		return err
	}
	most := float64(f.sent) / f.took.Seconds()
	fmt.Printf("%d rows; the load is %.0f queries in a second, %.0f %% of the %.0f that its %d clients get through when nothing holds them back\n", b.rows,
		b.rate, 100*b.rate/most, most, clients)
	return nil
}

// makeChange makes one change in one way on a copy of the filled database.
func (b *bench) makeChange(ctx context.Context, c *change, w *changeMethod) (f figures, err error) {
	database, err := b.server.NewDatabase(ctx, b.template)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, b.server.DropDatabase(context.WithoutCancel(ctx), database)) }()
	url := b.server.URL(database)
	if w.prepare != nil {
		if err := w.prepare(ctx, c, url); err != nil {
			return f, err
		}
	}
	l, err := startLoad(ctx, url, b.rows, b.near, clients, b.rate)
	if err != nil {
		return f, err
	}
	err = sleepContext(ctx, warm)
	l.resetCount()
	over := make(chan error, 1)
	held := make(chan struct{})
	go func() { over <- b.holdTable(ctx, database, held) }()
	<-held
	err = errors.Join(err, sleepContext(ctx, ahead))
	if err == nil {
		err = w.run(ctx, c, url, l)
	}
	err = errors.Join(err, <-over, sleepContext(ctx, after))
	f, ended := l.stopClients()
	if b.locks {
		f.locked = b.longestLockWait(l)
	}
	if err := errors.Join(err, ended); err != nil {
		return f, err
	}
	return f, b.checkChange(ctx, c, w, url)
}

// late is a line of the server's log that says who got a lock late.
var late = regexp.MustCompile(`process (\d+) acquired .* after ([0-9.]+) ms`)

// longestLockWait is for how long a client of a load waited for a lock at most, as far as the end of the server's log tells.
func (b *bench) longestLockWait(l *load) (most time.Duration) {
	from := l.since.UTC().Format("2006-01-02 15:04:05.000")
	for line := range strings.SplitSeq(b.server.Log(), "\n") {
		found := late.FindStringSubmatch(line)
		if found == nil || line[:len(from)] < from {
			continue
		}
		if pid, err := strconv.ParseUint(found[1], 10, 32); err == nil && slices.Contains(l.pids, uint32(pid)) {
			if ms, err := strconv.ParseFloat(found[2], 64); err == nil {
				most = max(most, time.Duration(ms*float64(time.Millisecond)))
			}
		}
	}
	return most
}

// holdTable holds the table as a long report does, and says when it has it.
func (b *bench) holdTable(ctx context.Context, database string, held chan<- struct{}) error {
	defer close(held)
	conn, err := pgx.Connect(ctx, b.server.URL(database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // it has only read
	if _, err := tx.Exec(ctx, "SELECT id FROM orders WHERE id = 1"); err != nil {
		return err
	}
	held <- struct{}{}
	_, err = tx.Exec(ctx, "SELECT pg_sleep($1)", reads.Seconds())
	return err
}

// checkChange checks that the change was made, if there was one to make.
func (b *bench) checkChange(ctx context.Context, c *change, w *changeMethod, url string) error {
	if w.name == b.tools.availableWays()[0].name {
		return nil
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var is bool
	if err := conn.QueryRow(ctx, c.checkQuery()).Scan(&is); err != nil {
		return err
	}
	if !is {
		return errors.New("it said nothing, and the change was not made")
	}
	return nil
}
