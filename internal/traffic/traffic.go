package traffic

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/workload"
)

// Config says what load to run, and where.
type Config struct {
	// URL connects as who owns the tables.
	URL string
	// Relations are the schema-qualified names of tables, views and materialised
	// views, unquoted: "public.users". Those that do not exist are passed over.
	Relations []string
	// Workers is how many sessions send queries: together one about every five
	// milliseconds for four of them. Defaults to 4, and to 12, which send no more, where
	// there are recordings; less than none is none.
	Workers int
	// Recordings are what code was seen to send, and make the load: the queries and
	// transactions on Relations, in their proportions, with made-up values, and some others.
	// Relations that none of them works on have a load made up from the schema.
	Recordings []*workload.Workload
	// Seed decides which rows are read and written, and in which order.
	Seed uint64
	// LongReader adds a session that goes through a table now and then, slowly.
	LongReader bool
	// LongTransaction, when it is not 0, is for how long a transaction that has
	// read a row of every relation stays open, idle, from when Start returns.
	LongTransaction time.Duration
	// Logger hears what was left out of the load. Defaults to nobody.
	Logger *slog.Logger
}

const (
	pace = 20 * time.Millisecond // between two queries of a worker
	// A query that takes long by itself is sent so seldom that a worker keeps the
	// server busy for one part in lightness.
	lightness = 30
	// grace is for how long a query may go on when the load is stopped.
	grace = 100 * time.Millisecond
	// tourTime bounds the last round of recorded queries.
	tourTime = 10 * time.Second
	// patience bounds what the end of a session may take.
	patience = 2 * time.Second
	// tryLimit bounds the trial of a query: one that is slower is no light load.
	tryLimit = 250 * time.Millisecond
	// warmed queries are prepared and run by each worker before Start returns.
	warmed = 24
)

// Load is a load that runs.
type Load struct {
	config *pgconn.Config
	logger *slog.Logger
	rec    recorder
	// halt asks the sessions to end between two queries; cancel ends them at
	// once, endWatch the watcher.
	halt             chan struct{}
	begun            chan struct{} // closed when Start returns
	cancel, endWatch context.CancelFunc
	sessions         sync.WaitGroup
	watcher          sync.WaitGroup
	flights          []*flight
	stop             sync.Once
}

// Start connects, finds out which queries the schema allows, and starts the
// load. It returns when every worker has run its queries once and the long
// transaction, if any, holds its locks. When ctx ends, all of the load does.
// A load on relations none of which exists does nothing. Call Stop in the end.
func Start(ctx context.Context, c Config) (*Load, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("traffic: %w", err)
	}
	if c.Workers == 0 {
		c.Workers = 4
		if len(c.Recordings) > 0 {
			// Who waits is a session that sends nothing else: there have to be some for others
			// to be seen waiting, too.
			c.Workers = 12
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	params := config.RuntimeParams
	params["application_name"] = "onward traffic"
	// The settings of a role or a database must not end what is meant to wait.
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "max_parallel_workers_per_gather"} {
		params[name] = "0"
	}
	// Text comes back in the form in which it is sent again.
	params["DateStyle"], params["IntervalStyle"], params["extra_float_digits"] = "ISO, YMD", "postgres", "3"
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxHandler {
		// A query that waits for a lock is cancelled by the server; its session lives
		// on to be closed in order.
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: patience}
	}
	l := &Load{config: &config.Config, logger: c.Logger, halt: make(chan struct{}), begun: make(chan struct{})}
	l.rec.log.From = time.Now()
	sessions, cancel := context.WithCancel(ctx)
	watching, endWatch := context.WithCancel(ctx)
	l.cancel, l.endWatch = cancel, endWatch
	if err := l.start(sessions, watching, config, c); err != nil {
		l.cancel()
		l.Stop()
		return nil, fmt.Errorf("traffic: %w", err)
	}
	l.rec.begin()
	close(l.begun)
	return l, nil
}

func (l *Load) start(ctx, watching context.Context, config *pgx.ConnConfig, c Config) error {
	// What is asked of catalogs is asked with the server's own names and operators,
	// whatever the database has beside them; what is tried, as the load will send it.
	plain := config.Copy()
	plain.RuntimeParams["search_path"] = "pg_catalog, pg_temp"
	setup, err := pgx.ConnectConfig(ctx, plain)
	if err != nil {
		return err
	}
	workers := max(c.Workers, 0)
	c.Workers = max(workers, 1) // what the rows are shared out among
	deck, err := l.record(ctx, setup, config, c)
	if err != nil {
		shut(setup.PgConn())
		return err
	}
	groups, relations, err := l.derive(ctx, setup, config, c)
	if err != nil || len(groups) == 0 && deck.empty() {
		shut(setup.PgConn())
		return err
	}
	groups = l.uncovered(groups, deck)
	runs := l.sessionsOf(ctx, c, workers, deck, groups, relations)
	ready := make(chan error)
	for _, run := range runs {
		l.sessions.Go(func() { run(ready) })
	}
	watch := &watcher{config: plain, conn: setup, logger: l.logger, flights: l.flights}
	l.watcher.Go(func() { watch.run(watching) })
	for range runs {
		if failed := <-ready; failed != nil && err == nil {
			err = failed
			l.cancel()
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// sessionsOf are the load's: workers, the reader and the long transaction.
func (l *Load) sessionsOf(ctx context.Context, c Config, workers int, deck *deck, groups []*group, relations []*relation) (runs []func(chan<- error)) {
	between := pace
	if len(c.Recordings) > 0 {
		between = pace * time.Duration(max(workers, 4)) / 4
	}
	for i := range workers {
		w := &worker{session: l.session(), groups: groups, deck: deck, number: i, of: c.Workers, pace: between, rnd: rand.New(rand.NewPCG(c.Seed, uint64(i)))}
		runs = append(runs, func(ready chan<- error) { w.run(ctx, ready) })
	}
	// A view may be much work for its first row. What recorded queries work on is not read
	// by a reader that nobody recorded.
	tables := slices.DeleteFunc(slices.Clone(relations), func(r *relation) bool { return r.kind == "v" || !grouped(groups, r.name) })
	if c.LongReader && len(tables) > 0 {
		r := &reader{session: l.session(), relations: tables}
		runs = append(runs, func(ready chan<- error) { r.run(ctx, ready) })
	}
	if c.LongTransaction > 0 && len(relations) > 0 {
		runs = append(runs, func(ready chan<- error) { l.long(ctx, relations, c.LongTransaction, ready) })
	}
	return runs
}

func grouped(groups []*group, relation string) bool {
	return slices.ContainsFunc(groups, func(g *group) bool { return g.read.relation == relation })
}

// uncovered are the queries on relations that no recorded query works on.
func (l *Load) uncovered(groups []*group, deck *deck) []*group {
	if deck == nil {
		return groups
	}
	covered := deck.covered()
	groups = slices.DeleteFunc(groups, func(g *group) bool { return covered[g.read.relation] })
	for _, g := range groups {
		l.rec.log.Recorded.MadeUp = append(l.rec.log.Recorded.MadeUp, g.read.relation)
	}
	return groups
}

// session makes room for one more of the load's, which the watcher watches.
func (l *Load) session() session {
	f := &flight{}
	l.flights = append(l.flights, f)
	return session{config: l.config, rec: &l.rec, flight: f, halt: l.halt, ours: l.ours}
}

// ours reports whether a process is one of the load's sessions, which are all known
// before the first begins.
func (l *Load) ours(pid uint32) bool {
	return slices.ContainsFunc(l.flights, func(f *flight) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.pid == pid
	})
}

// Stop ends the load and returns what it saw. A query that still waits is
// cancelled, and is in the log as one that waited. It takes a few seconds at
// most; when it is called again, it returns the same log.
func (l *Load) Stop() *Log { return l.end(grace) }

// Finish is Stop once each recorded query on a relation of the release has been sent
// again, so that what the release broke is known, however short it was. Of that only
// refusals are in the log.
func (l *Load) Finish() *Log {
	if l.rec.log.Recorded == nil {
		return l.Stop()
	}
	l.rec.tour()
	return l.end(tourTime)
}

func (l *Load) end(grace time.Duration) *Log {
	l.stop.Do(func() {
		close(l.halt)
		ended := make(chan struct{})
		go func() {
			l.sessions.Wait()
			close(ended)
		}()
		select {
		case <-ended:
		case <-time.After(grace):
			l.cancel()
			<-ended
		}
		l.cancel()
		l.endWatch()
		l.watcher.Wait()
		l.rec.log.close(time.Now())
	})
	return &l.rec.log
}

// long is the long transaction: it reads a row of every relation and is idle
// until its time is over, or the load's.
func (l *Load) long(ctx context.Context, relations []*relation, lasts time.Duration, ready chan<- error) {
	conn, err := pgconn.ConnectConfig(ctx, l.config)
	if err != nil {
		ready <- err
		return
	}
	defer shut(conn)
	sql := "BEGIN"
	for _, r := range relations {
		sql += "; SELECT 1 FROM " + r.quoted + " LIMIT 1"
	}
	if _, err := conn.Exec(ctx, sql).ReadAll(); err != nil {
		ready <- fmt.Errorf("the long transaction: %w", err)
		return
	}
	from := time.Now()
	ready <- nil
	select {
	case <-l.begun:
	case <-ctx.Done():
	}
	select {
	case <-time.After(lasts):
		_, err = conn.Exec(ctx, "COMMIT").ReadAll()
	case <-l.halt:
		_, err = conn.Exec(ctx, "COMMIT").ReadAll()
	case <-ctx.Done():
	}
	if err != nil && ctx.Err() == nil {
		l.logger.Warn("the long transaction was ended by the server", "error", err)
	}
	l.rec.mu.Lock()
	defer l.rec.mu.Unlock()
	l.rec.log.Long = &Long{From: from, Until: time.Now()}
}

// shut closes a connection and waits until nothing of it is left.
func shut(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = conn.Close(ctx) // it may have been closed by the server, or by the end of a context
	select {
	case <-conn.CleanupDone():
	case <-ctx.Done():
	}
}
