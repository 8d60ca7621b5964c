// Package stalls compares what a load feels of a migration: the twelve classic changes, each made as it is written, by a migration tool
// with its defaults, by pgroll, and by a plan that onward carries out, while a reader holds the table for five seconds.
package stalls

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/internal/pgserver"
)

const (
	major = 17
	// reads is how long the reader holds the table, and ahead how long before the migration it begins.
	reads, ahead = 5 * time.Second, 100 * time.Millisecond
	// warm is how long the load runs before it counts. after is how long it runs after the migration.
	warm, after = time.Second, 500 * time.Millisecond
)

// bench is one server with the filled table, and what is run on copies of it.
type bench struct {
	*measure.Bench
	*tools
	rows, near int     // rows of orders, and of customers and items
	rate       float64 // queries in a second, of all clients together
	server     *pgserver.Server
	template   string // the database with the filled table, which is copied for each run
}

// Measure makes all changes in all ways.
func Measure(m *measure.Bench) {
	b, stop := newBench(m)
	defer stop()
	b.compareMethods(measure.Must(regexp.Compile(m.Changes)), measure.Must(regexp.Compile(m.Ways)))
}

// newBench finds the programs, and starts a server with the filled table.
func newBench(m *measure.Bench) (b *bench, stop func()) {
	b = &bench{Bench: m, rows: m.Rows, rate: float64(m.Rate)}
	if b.rows == 0 {
		b.rows = 5_000_000
	}
	if b.rows < 1000 {
		measure.Check(errors.New("-rows is 1000 at least"))
	}
	b.near = min(b.rows, 100_000)
	dir := m.Dir
	if m.Keep != "" {
		dir = m.Keep
		measure.Check(os.MkdirAll(dir, 0o755))
	}
	b.tools = findTools(m, dir)
	// As servers are that live: vacuum works when it is due, which it looks for more often here than
	// once a minute, so that a short run meets it, too.
	server := map[string]string{"autovacuum": "on", "autovacuum_naptime": "5s", "shared_buffers": "512MB", "max_wal_size": "8GB"}
	if b.LockWaits {
		server["log_lock_waits"], server["deadlock_timeout"] = "on", "20ms"
	}
	b.server, b.template, stop = b.StartServer(pgserver.Config{Major: major, Settings: server})
	fill := strings.NewReplacer("$ROWS", strconv.Itoa(b.rows), "$NEAR", strconv.Itoa(b.near)).Replace(rows)
	conn := measure.Must(pgx.Connect(b, b.server.URL(b.template)))
	defer conn.Close(b)
	for _, sql := range append([]string{base}, strings.SplitAfter(strings.TrimSpace(fill), ";\n")...) {
		measure.Must(conn.PgConn().Exec(b, sql).ReadAll())
	}
	return b, stop
}

// compareMethods makes all changes in all ways, in turn.
func (b *bench) compareMethods(changePattern, methodPattern *regexp.Regexp) {
	b.measureCapacity()
	list := b.tools.availableMethods()
	results := map[string]map[string][]figures{}
	for range b.Rounds {
		for i := range changes {
			c := &changes[i]
			if !changePattern.MatchString(c.name) {
				continue
			}
			if results[c.name] == nil {
				results[c.name] = map[string][]figures{}
			}
			for _, w := range list {
				if !methodPattern.MatchString(w.name) {
					continue
				}
				f, err := b.makeChange(c, &w)
				stopped := new(stoppedError)
				switch {
				case errors.Is(err, errWithout):
					fmt.Printf("%s cannot make the change to the %s: %s\n", w.name, c.name, c.without)
					continue
				case errors.As(err, &stopped) && w.name != list[len(list)-1].name && b.Err() == nil:
					fmt.Printf("%s by %s failed: %s\n", c.name, w.name, stopped.lastLine())
					f.failed = true
				case err != nil:
					measure.Check(fmt.Errorf("%s by %s: %w", c.name, w.name, err))
				}
				fmt.Fprintf(os.Stderr, "%s by %s: %s\n", c.name, w.name, f)
				results[c.name][w.name] = append(results[c.name][w.name], f)
			}
		}
	}
	b.printTables(list, results)
}

// measureCapacity says how many queries the same clients get through when nothing holds them back: the load must
// be far below that, so that its stalls are locks.
func (b *bench) measureCapacity() {
	b.withCopy(func(url string) {
		l := b.startLoad(url, clients, 0)
		b.sleep(warm)
		l.resetCount()
		b.sleep(3 * time.Second)
		f := measure.Must(l.stopClients())
		most := float64(f.sent) / f.took.Seconds()
		fmt.Printf("%d rows; the load is %.0f queries in a second, %.0f %% of the %.0f that its %d clients get through when nothing holds them back\n", b.rows,
			b.rate, 100*b.rate/most, most, clients)
	})
}

// withCopy does something on a copy of the filled database.
func (b *bench) withCopy(fn func(url string)) {
	database := measure.Must(b.server.NewDatabase(b, b.template))
	defer func() { measure.Check(b.server.DropDatabase(context.WithoutCancel(b), database)) }()
	fn(b.server.URL(database))
}

func (b *bench) startLoad(url string, count int, rate float64) *load {
	return measure.Must(startLoad(b, url, b.rows, b.near, count, rate))
}

func (b *bench) sleep(d time.Duration) { measure.Check(sleepContext(b, d)) }

// makeChange makes one change in one way on a copy of the filled database. If a program that migrates fails, the figures count.
func (b *bench) makeChange(c *change, w *changeMethod) (f figures, err error) {
	err = measure.Catch(func() {
		b.withCopy(func(url string) {
			if w.prepare != nil {
				measure.Check(w.prepare(b, c, url))
			}
			l := b.startLoad(url, clients, b.rate)
			b.sleep(warm)
			l.resetCount()
			holdError := make(chan error, 1)
			locked := make(chan struct{})
			go func() { holdError <- b.holdTable(url, locked) }()
			<-locked
			b.sleep(ahead)
			err := w.run(b, c, url, l)
			err = errors.Join(err, <-holdError, sleepContext(b, after))
			var ended error
			f, ended = l.stopClients()
			if b.LockWaits {
				f.locked = b.longestLockWait(l)
			}
			measure.Check(errors.Join(err, ended))
			b.checkChange(c, w, url)
		})
	})
	return f, err
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
func (b *bench) holdTable(url string, locked chan<- struct{}) error {
	defer close(locked)
	return measure.Catch(func() {
		conn := measure.Must(pgx.Connect(b, url))
		defer conn.Close(context.WithoutCancel(b))
		tx := measure.Must(conn.Begin(b))
		defer func() { _ = tx.Rollback(context.WithoutCancel(b)) }() // it has only read
		measure.Must(tx.Exec(b, "SELECT id FROM orders WHERE id = 1"))
		locked <- struct{}{}
		measure.Must(tx.Exec(b, "SELECT pg_sleep($1)", reads.Seconds()))
	})
}

// checkChange checks that the change was made, if there was one to make.
func (b *bench) checkChange(c *change, w *changeMethod, url string) {
	if w.name == b.tools.availableMethods()[0].name {
		return
	}
	conn := measure.Must(pgx.Connect(b, url))
	defer conn.Close(context.WithoutCancel(b))
	var isDone bool
	measure.Check(conn.QueryRow(b, c.checkQuery()).Scan(&isDone))
	if !isDone {
		measure.Check(errors.New("it said nothing, and the change was not made"))
	}
}
