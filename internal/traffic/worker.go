package traffic

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/onward-sql/onward/onward"
)

type ctxHandler = ctxwatch.Handler

// retreat is how long a refused query is not sent, and how long a session waits
// before it reconnects.
const retreat = 250 * time.Millisecond

// runningQuery is the running query of a session, which the watcher reads and marks.
type runningQuery struct {
	mu     sync.Mutex
	pid    uint32
	serial uint64
	busy   bool
	from   time.Time
	waits  []Wait
}

func (f *runningQuery) beginQuery(pid uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pid, f.busy, f.from, f.waits = pid, true, time.Now(), nil
	f.serial++
}

func (f *runningQuery) endQuery() (from, until time.Time, waits []Wait) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = false
	return f.from, time.Now(), f.waits
}

// session is one of the load's sessions.
type session struct {
	config *pgconn.Config
	rec    *recorder
	flight *runningQuery
	halt   <-chan struct{}
	conn   *pgconn.PgConn
	isOwn  func(pid uint32) bool // whether a process is one of the load's
}

// pauseFor waits, and reports whether the load goes on.
func (s *session) pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.halt:
	case <-ctx.Done():
	}
	return false
}

// openConnection opens a connection if there is none: at the beginning, and after the
// server has closed one.
func (s *session) openConnection(ctx context.Context) (err error) {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	if s.conn != nil {
		closeAndWait(s.conn)
	}
	s.conn, err = pgconn.ConnectConfig(ctx, s.config)
	return err
}

func (s *session) closeConnection() {
	if s.conn != nil {
		closeAndWait(s.conn)
	}
}

// runTimed runs a query while the watcher observes it, and logs it, without errors for
// which forgive returns true. It returns the server's error; nil too if the load was
// stopped meanwhile.
func (s *session) runTimed(ctx context.Context, q Query, forgive func(*onward.ServerError) bool, run func() error) *onward.ServerError {
	s.flight.beginQuery(s.conn.PID())
	err := run()
	q.From, q.Until, q.Waits = s.flight.endQuery()
	if err != nil {
		if q.Cancelled = ctx.Err() != nil; !q.Cancelled {
			q.Err = toServerError(err)
		}
	}
	refused := q.Err
	if refused != nil && forgive(refused) {
		q.Err = nil // the fault of the load's rows, not of the query
	}
	s.rec.recordQuery(q)
	return refused
}

// toServerError returns the server's error. For a lost connection it sets the SQLSTATE
// 08006 from the standard.
func toServerError(err error) *onward.ServerError {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &onward.ServerError{Code: pg.Code, Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint}
	}
	return &onward.ServerError{Code: "08006", Message: err.Error()}
}

// isDuplicate: the row existed already, according to a unique or an exclusion
// constraint.
func isDuplicate(err *onward.ServerError) bool { return err.Code == "23505" || err.Code == "23P01" }

// worker sends point reads and writes, and recorded queries.
type worker struct {
	session
	groups          []*group
	deck            *loadMix // nil: no recordings
	number, workers int
	rnd             *rand.Rand
	pace            time.Duration  // between two units
	prepared        map[any]string // by *shape or *recorded
	nameCount       int            // the number of statement names used so far
	searchPath      string         // the session's search_path, if a recorded query has set it
}

func (w *worker) runWorker(ctx context.Context, ready chan<- error) {
	defer w.closeConnection()
	err := w.openConnection(ctx)
	w.prepared = map[any]string{}
	if err == nil {
		w.warmUp(ctx)
		w.prepareSession(ctx)
	}
	ready <- err
	if err != nil {
		return
	}
	for next := w.pace; w.pauseFor(ctx, next/2+rand.N(next)); {
		next = w.pace
		if w.renewSession(ctx) != nil {
			next = retreat
			continue
		}
		next = max(next, w.sendNext(ctx)*lightness)
	}
	w.runLastRound(ctx)
}

// renewSession opens a new session after the last one has ended.
func (w *worker) renewSession(ctx context.Context) error {
	if !w.conn.IsClosed() {
		return nil
	}
	clear(w.prepared)
	w.searchPath = ""
	return w.openConnection(ctx)
}

// sendNext sends the next unit or query, and returns its cost.
func (w *worker) sendNext(ctx context.Context) (cost time.Duration) {
	if u := w.deck.chooseUnit(w.rnd, len(w.groups) > 0); u != nil {
		return w.sendUnit(ctx, u)
	}
	if len(w.groups) == 0 {
		return 0
	}
	s := w.chooseShape()
	if s == nil {
		return 0
	}
	w.sendShape(ctx, s)
	return s.cost
}

// warmUp prepares and runs the first queries, as in a service that has been running
// for a while.
func (w *worker) warmUp(ctx context.Context) {
	sent := 0
	for _, g := range w.groups {
		for _, s := range []*shape{g.read, g.insert, g.update} {
			if s != nil && sent < warmed && ctx.Err() == nil && !w.conn.IsClosed() {
				w.sendShape(ctx, s)
				sent++
			}
		}
	}
}

// chooseShape returns a query: on any relation, seven reads to three writes, and only
// reads if a relation allows no writes. It returns nil for a query that must not be
// sent for now.
func (w *worker) chooseShape() *shape {
	g := w.groups[w.rnd.IntN(len(w.groups))]
	s := g.read
	switch n := w.rnd.IntN(100); {
	case n < 15 && g.insert != nil:
		s = g.insert
	case n < 30 && g.update != nil:
		s = g.update
	}
	if s.duplicate.Load() && s.fallback != nil {
		s = s.fallback
	}
	if isQuiet(&s.quietUntil) {
		return nil
	}
	return s
}

// isQuiet reports whether a refused query must not be sent for now: one of all workers
// tries it again.
func isQuiet(quiet *atomic.Int64) bool {
	until := quiet.Load()
	if until == 0 {
		return false
	}
	now := time.Now()
	return now.UnixNano() < until || !quiet.CompareAndSwap(until, now.Add(retreat).UnixNano())
}

// sendShape runs a query. If the server refuses it, it is prepared again and tried once
// more, as by a client with an outdated plan. After that, it is not sent for a
// while.
func (w *worker) sendShape(ctx context.Context, s *shape) {
	canRetry := s.quietUntil.Load() == 0
	for {
		err := w.runTimed(ctx, Query{Relation: s.relation, Kind: s.kind, SQL: s.sql}, isDuplicate, func() error { return w.execShape(ctx, s) })
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			s.quietUntil.Store(0)
			return
		case isDuplicate(err):
			s.duplicate.Store(true)
			if s.fallback == nil {
				s.quietUntil.Store(time.Now().Add(retreat).UnixNano())
			}
			return
		}
		if w.conn.IsClosed() {
			return
		}
		w.forgetPrepared(ctx, s)
		if !canRetry {
			s.quietUntil.Store(time.Now().Add(retreat).UnixNano())
			return
		}
		canRetry = false
	}
}

// execShape runs a query; a write runs in a transaction that is rolled back.
func (w *worker) execShape(ctx context.Context, s *shape) error {
	name, err := w.prepareNamed(ctx, s, s.sql, nil)
	if err != nil {
		return err
	}
	values := s.values(w.rnd, w.number, w.workers)
	if s.kind == read {
		return w.conn.ExecPrepared(ctx, name, values, nil, nil).Read().Err
	}
	return w.sendRolledBack(ctx, func(p *pgconn.Pipeline) { p.SendQueryPrepared(name, values, nil, nil) })
}

// prepareNamed returns the name under which a query is prepared in the session.
func (w *worker) prepareNamed(ctx context.Context, query any, sql string, types []uint32) (string, error) {
	if name := w.prepared[query]; name != "" {
		return name, nil
	}
	w.nameCount++
	name := "onward_" + strconv.Itoa(w.nameCount)
	if _, err := w.conn.Prepare(ctx, name, sql, types); err != nil {
		return "", err
	}
	w.prepared[query] = name
	return name, nil
}

// sendRolledBack sends a query between BEGIN and ROLLBACK, in one pipeline, so that
// locks are held only as long as the server needs. Each of the three has its own
// sync, so ROLLBACK is executed even if the query fails.
func (w *worker) sendRolledBack(ctx context.Context, send func(*pgconn.Pipeline)) error {
	p := w.conn.StartPipeline(ctx)
	p.SendQueryParams("BEGIN", nil, nil, nil, nil)
	p.SendPipelineSync()
	send(p)
	p.SendPipelineSync()
	p.SendQueryParams("ROLLBACK", nil, nil, nil, nil)
	if err := p.Sync(); err != nil {
		_ = p.Close()
		return err
	}
	return p.Close() // which reads all the answers
}

// forgetPrepared deallocates a prepared query. Names are not reused, so a failure does no
// harm.
func (w *worker) forgetPrepared(ctx context.Context, query any) {
	if name := w.prepared[query]; name != "" {
		delete(w.prepared, query)
		_ = w.conn.Deallocate(ctx, name)
	}
}
