// Package traffic runs a light load on the tables that a release touches while its
// migrations run, and says afterwards who waited for which statement.
//
// The load is generated from the schema: reads of one row by its key, inserts and
// updates that are rolled back at once, and an occasional reader that scans a
// table. On request it includes a transaction that began before the release and
// stays open. The queries name their columns and are prepared, like those of an ORM
// or of pgx. So a dropped column or an invalid cached plan causes the same errors
// as in the deployed code.
//
// With recordings, the load consists of the recorded queries and transactions, in
// their proportions, with values that fit the existing rows (made_values.go). Those that
// use relations of the release come first (query_deck.go). A trial first finds the
// queries that fail at the base (trial.go). Queries that must not run are never
// sent (recorded_query.go).
//
// Waits are not guessed from latencies: a separate session asks the server which of
// the load's sessions wait for a lock, on which relation, and who holds it.
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

// Config says which load to run, and where.
type Config struct {
	// URL connects as the owner of the tables.
	URL string
	// Relations are the schema-qualified names of tables, views and materialized views,
	// unquoted: "public.users". Missing ones are skipped.
	Relations []string
	// Workers is how many sessions send queries; four of them together send about one
	// every five milliseconds. It defaults to 4, and to 12 with recordings, which send no
	// more in total. A negative number means none.
	Workers int
	// Recordings are recordings of the code. They make the load: the queries and
	// transactions on Relations, in their proportions, with made-up values, and some
	// others. For Relations without recorded queries, the load is made up from the schema.
	Recordings []*workload.Workload
	// Seed decides which rows are read and written, and in which order.
	Seed uint64
	// LongReader adds a session that slowly scans a table now and then.
	LongReader bool
	// LongTransaction, if it is not 0, is how long a transaction that has read a row of
	// every relation stays open and idle, from when StartLoad returns.
	LongTransaction time.Duration
	// Logger gets messages about what was left out of the load. Defaults to none.
	Logger *slog.Logger
}

const (
	pace = 20 * time.Millisecond // between two queries of a worker
	// A slow query is sent so rarely that a worker uses the server for one part in
	// lightness of its time.
	lightness = 30
	// grace is how long a query may go on when the load is stopped.
	grace = 100 * time.Millisecond
	// lastRoundTime limits the last round.
	lastRoundTime = 10 * time.Second
	// patience limits the end of a session.
	patience = 2 * time.Second
	// tryLimit limits the trial of a query: a slower one is no light load.
	tryLimit = 250 * time.Millisecond
	// warmed queries are prepared and run by each worker before StartLoad returns.
	warmed = 24
)

// Load is a running load.
type Load struct {
	config *pgconn.Config
	logger *slog.Logger
	rec    recorder
	// halt asks the sessions to end between two queries. cancel ends them at once, and
	// endWatch the watcher.
	halt             chan struct{}
	begun            chan struct{} // closed when StartLoad returns
	cancel, endWatch context.CancelFunc
	sessions         sync.WaitGroup
	watcher          sync.WaitGroup
	runningQueries   []*runningQuery
	stop             sync.Once
}

// StartLoad connects, finds out which queries the schema allows, and starts the load. It
// returns after every worker has run its queries once and the long transaction, if any,
// holds its locks. When ctx ends, so does the load. If no relation exists, the load does
// nothing. The caller must call Stop.
func StartLoad(ctx context.Context, c Config) (*Load, error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("traffic: %w", err)
	}
	if c.Workers == 0 {
		c.Workers = 4
		if len(c.Recordings) > 0 {
			// A session that waits sends nothing else, so there must be more of them for
			// other waits to be seen too.
			c.Workers = 12
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	params := config.RuntimeParams
	params["application_name"] = "onward traffic"
	// The settings of a role or a database must not end sessions that are meant to wait.
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "max_parallel_workers_per_gather"} {
		params[name] = "0"
	}
	// Text is returned in the form in which it is sent again.
	params["DateStyle"], params["IntervalStyle"], params["extra_float_digits"] = "ISO, YMD", "postgres", "3"
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxHandler {
		// A query that waits for a lock is cancelled by the server; its session is then
		// closed in order.
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: patience}
	}
	l := &Load{config: &config.Config, logger: c.Logger, halt: make(chan struct{}), begun: make(chan struct{})}
	l.rec.log.From = time.Now()
	sessions, cancel := context.WithCancel(ctx)
	watching, endWatch := context.WithCancel(ctx)
	l.cancel, l.endWatch = cancel, endWatch
	if err := l.startSessions(sessions, watching, config, c); err != nil {
		l.cancel()
		l.Stop()
		return nil, fmt.Errorf("traffic: %w", err)
	}
	l.rec.beginLoad()
	close(l.begun)
	return l, nil
}

func (l *Load) startSessions(ctx, watching context.Context, config *pgx.ConnConfig, c Config) error {
	// Catalog queries run with the server's own names and operators, whatever else the
	// database has. Trials run with the settings of the load.
	setup, err := connectToCatalogs(ctx, config)
	if err != nil {
		return err
	}
	workers := max(c.Workers, 0)
	c.Workers = max(workers, 1) // the number of shares of the rows
	deck, err := l.loadRecordings(ctx, setup, config, c)
	if err != nil {
		closeAndWait(setup.PgConn())
		return err
	}
	groups, relations, err := l.deriveQueries(ctx, setup, config, c)
	if err != nil || len(groups) == 0 && deck.isEmpty() {
		closeAndWait(setup.PgConn())
		return err
	}
	groups = l.uncoveredGroups(groups, deck)
	runs := l.newSessions(ctx, c, workers, deck, groups, relations)
	ready := make(chan error)
	for _, run := range runs {
		l.sessions.Go(func() { run(ready) })
	}
	watch := &watcher{config: setup.Config(), conn: setup, logger: l.logger, flights: l.runningQueries}
	l.watcher.Go(func() { watch.runWatcher(watching) })
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

// newSessions returns the load's sessions: workers, the reader and the long transaction.
func (l *Load) newSessions(ctx context.Context, c Config, workers int, deck *loadMix, groups []*group, relations []*relation) (runs []func(chan<- error)) {
	pause := pace
	if len(c.Recordings) > 0 {
		pause = pace * time.Duration(max(workers, 4)) / 4
	}
	for i := range workers {
		w := &worker{session: l.newSession(), groups: groups, deck: deck, number: i, workers: c.Workers, pace: pause, rnd: rand.New(rand.NewPCG(c.Seed, uint64(i)))}
		runs = append(runs, func(ready chan<- error) { w.runWorker(ctx, ready) })
	}
	// The first row of a view may need much work. The reader skips relations with recorded
	// queries, because nobody recorded such a reader.
	tables := slices.DeleteFunc(slices.Clone(relations), func(r *relation) bool {
		return r.kind == "v" || !slices.ContainsFunc(groups, func(g *group) bool { return g.read.relation == r.name })
	})
	if c.LongReader && len(tables) > 0 {
		r := &reader{session: l.newSession(), relations: tables}
		runs = append(runs, func(ready chan<- error) { r.runReader(ctx, ready) })
	}
	if c.LongTransaction > 0 && len(relations) > 0 {
		runs = append(runs, func(ready chan<- error) { l.runLongTransaction(ctx, relations, c.LongTransaction, ready) })
	}
	return runs
}

// uncoveredGroups returns the queries on relations without recorded queries.
func (l *Load) uncoveredGroups(groups []*group, deck *loadMix) []*group {
	if deck == nil {
		return groups
	}
	covered := deck.coveredRelations()
	groups = slices.DeleteFunc(groups, func(g *group) bool { return covered[g.read.relation] })
	for _, g := range groups {
		l.rec.log.Recorded.MadeUp = append(l.rec.log.Recorded.MadeUp, g.read.relation)
	}
	return groups
}

// newSession adds a session to the load, which the watcher observes.
func (l *Load) newSession() session {
	f := &runningQuery{}
	l.runningQueries = append(l.runningQueries, f)
	return session{config: l.config, rec: &l.rec, flight: f, halt: l.halt, isOwn: l.isOwnSession}
}

// isOwnSession reports whether a process is one of the load's sessions, which are all known before
// the first begins.
func (l *Load) isOwnSession(pid uint32) bool {
	return slices.ContainsFunc(l.runningQueries, func(f *runningQuery) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.pid == pid
	})
}

// Stop ends the load and returns its log. A query that still waits is cancelled, and
// logged as one that waited. Stop takes a few seconds at most. If it is called again, it
// returns the same log.
func (l *Load) Stop() *Log { return l.endLoad(grace) }

// FinishLoad is [Load.Stop] after each query on a relation of the release was sent again. That
// shows what the release broke, however short it was. Only the errors of that round are logged.
func (l *Load) FinishLoad() *Log {
	l.rec.beginLastRound()
	return l.endLoad(lastRoundTime)
}

func (l *Load) endLoad(grace time.Duration) *Log {
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
		l.rec.log.endLog(time.Now())
	})
	return &l.rec.log
}

// runLongTransaction is the long transaction: it reads a row of every relation and is idle until its
// time is over, or the load ends.
func (l *Load) runLongTransaction(ctx context.Context, relations []*relation, lasts time.Duration, ready chan<- error) {
	conn, err := pgconn.ConnectConfig(ctx, l.config)
	if err != nil {
		ready <- err
		return
	}
	defer closeAndWait(conn)
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

// closeAndWait closes a connection and waits until it is gone.
func closeAndWait(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = conn.Close(ctx) // the server or the end of a context may have closed it already
	select {
	case <-conn.CleanupDone():
	case <-ctx.Done():
	}
}
