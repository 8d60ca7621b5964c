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

// retreat is for how long a query that the server refuses is left alone, and for
// how long a session that lost its connection waits for the next.
const retreat = 250 * time.Millisecond

// flight is the query that a session has under way, for the watcher to see and
// to mark.
type flight struct {
	mu     sync.Mutex
	pid    uint32
	serial uint64
	busy   bool
	from   time.Time
	waits  []Wait
}

func (f *flight) begin(pid uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pid, f.busy, f.from, f.waits = pid, true, time.Now(), nil
	f.serial++
}

func (f *flight) end() (from, until time.Time, waits []Wait) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = false
	return f.from, time.Now(), f.waits
}

// session is one of the load's.
type session struct {
	config *pgconn.Config
	rec    *recorder
	flight *flight
	halt   <-chan struct{}
	conn   *pgconn.PgConn
	ours   func(pid uint32) bool // whether a process is one of the load's
}

// pause waits, and reports whether the load goes on.
func (s *session) pause(ctx context.Context, d time.Duration) bool {
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

// connect makes a connection when there is none, which is so at the beginning
// and after the server has ended one.
func (s *session) connect(ctx context.Context) (err error) {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	if s.conn != nil {
		shut(s.conn)
	}
	s.conn, err = pgconn.ConnectConfig(ctx, s.config)
	return err
}

func (s *session) close() {
	if s.conn != nil {
		shut(s.conn)
	}
}

// timed runs a query under the watcher's eyes and puts it into the log, without a
// refusal that is to be forgiven. It returns the server's refusal; nil too when the load
// was stopped meanwhile.
func (s *session) timed(ctx context.Context, q Query, forgive func(*onward.ServerError) bool, run func() error) *onward.ServerError {
	s.flight.begin(s.conn.PID())
	err := run()
	q.From, q.Until, q.Waits = s.flight.end()
	if err != nil {
		if q.Cancelled = ctx.Err() != nil; !q.Cancelled {
			q.Err = serverError(err)
		}
	}
	refused := q.Err
	if refused != nil && forgive(refused) {
		q.Err = nil // the fault of the load's rows, not of the query
	}
	s.rec.ended(q)
	return refused
}

// serverError is the server's error; a lost connection is one without SQLSTATE,
// which the standard calls 08006.
func serverError(err error) *onward.ServerError {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &onward.ServerError{Code: pg.Code, Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint}
	}
	return &onward.ServerError{Code: "08006", Message: err.Error()}
}

// duplicate: a row was there already, by a unique or an exclusion constraint.
func duplicate(err *onward.ServerError) bool { return err.Code == "23505" || err.Code == "23P01" }

// worker sends point reads and writes, and what was recorded.
type worker struct {
	session
	groups     []*group
	deck       *deck // nil: nothing was recorded
	number, of int
	rnd        *rand.Rand
	pace       time.Duration  // between what it sends
	prepared   map[any]string // by *shape or *recorded
	names      int            // given to prepared queries so far
	path       string         // the session's search_path, where a recorded query has set it
}

func (w *worker) run(ctx context.Context, ready chan<- error) {
	defer w.close()
	err := w.connect(ctx)
	w.prepared = map[any]string{}
	if err == nil {
		w.warm(ctx)
		w.settle(ctx)
	}
	ready <- err
	if err != nil {
		return
	}
	for next := w.pace; w.pause(ctx, next/2+rand.N(next)); {
		next = w.pace
		if w.renew(ctx) != nil {
			next = retreat
			continue
		}
		next = max(next, w.turn(ctx)*lightness)
	}
	w.tour(ctx)
}

// renew makes a new session where the last one has ended.
func (w *worker) renew(ctx context.Context) error {
	if !w.conn.IsClosed() {
		return nil
	}
	clear(w.prepared)
	w.path = ""
	return w.connect(ctx)
}

// turn sends what is to be sent next, and gives what it costs.
func (w *worker) turn(ctx context.Context) (cost time.Duration) {
	if u := w.deck.choose(w.rnd, len(w.groups) > 0); u != nil {
		return w.play(ctx, u)
	}
	if len(w.groups) == 0 {
		return 0
	}
	s := w.choose()
	if s == nil {
		return 0
	}
	w.send(ctx, s)
	return s.cost
}

// warm prepares and runs the first queries, as those of code that has been
// running for a while are.
func (w *worker) warm(ctx context.Context) {
	sent := 0
	for _, g := range w.groups {
		for _, s := range []*shape{g.read, g.insert, g.update} {
			if s != nil && sent < warmed && ctx.Err() == nil && !w.conn.IsClosed() {
				w.send(ctx, s)
				sent++
			}
		}
	}
}

// choose takes a query: of any relation, seven reads for three writes, and reads
// only where a relation allows no writes. It is nil for one that is left alone
// for now.
func (w *worker) choose() *shape {
	g := w.groups[w.rnd.IntN(len(w.groups))]
	s := g.read
	switch n := w.rnd.IntN(100); {
	case n < 15 && g.insert != nil:
		s = g.insert
	case n < 30 && g.update != nil:
		s = g.update
	}
	if s.duplicate.Load() && s.instead != nil {
		s = s.instead
	}
	if left(&s.quiet) {
		return nil
	}
	return s
}

// left reports whether a query that the server refused is left alone for now: of all
// workers, one tries again.
func left(quiet *atomic.Int64) bool {
	until := quiet.Load()
	if until == 0 {
		return false
	}
	now := time.Now()
	return now.UnixNano() < until || !quiet.CompareAndSwap(until, now.Add(retreat).UnixNano())
}

// send runs a query. When the server refuses it, it is prepared anew and tried
// once more, as a client would that finds its plan out of date; then it is left
// alone for a while.
func (w *worker) send(ctx context.Context, s *shape) {
	again := s.quiet.Load() == 0
	for {
		err := w.timed(ctx, Query{Relation: s.relation, Kind: s.kind, SQL: s.sql}, duplicate, func() error { return w.exec(ctx, s) })
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			s.quiet.Store(0)
			return
		case duplicate(err):
			s.duplicate.Store(true)
			if s.instead == nil {
				s.quiet.Store(time.Now().Add(retreat).UnixNano())
			}
			return
		}
		if w.conn.IsClosed() {
			return
		}
		w.forget(ctx, s)
		if !again {
			s.quiet.Store(time.Now().Add(retreat).UnixNano())
			return
		}
		again = false
	}
}

// exec runs a query; one that writes in a transaction that is rolled back.
func (w *worker) exec(ctx context.Context, s *shape) error {
	name, err := w.prepare(ctx, s, s.sql, nil)
	if err != nil {
		return err
	}
	values := s.values(w.rnd, w.number, w.of)
	if s.kind == read {
		return w.conn.ExecPrepared(ctx, name, values, nil, nil).Read().Err
	}
	return w.rolledBack(ctx, func(p *pgconn.Pipeline) { p.SendQueryPrepared(name, values, nil, nil) })
}

// prepare gives the name under which a query is prepared in the session.
func (w *worker) prepare(ctx context.Context, query any, sql string, types []uint32) (string, error) {
	if name := w.prepared[query]; name != "" {
		return name, nil
	}
	w.names++
	name := "onward_" + strconv.Itoa(w.names)
	if _, err := w.conn.Prepare(ctx, name, sql, types); err != nil {
		return "", err
	}
	w.prepared[query] = name
	return name, nil
}

// rolledBack sends a query between BEGIN and ROLLBACK, all at once: the
// locks are not held for longer than the server takes. Each of the three is on
// its own, so the last one is carried out when the query is refused.
func (w *worker) rolledBack(ctx context.Context, send func(*pgconn.Pipeline)) error {
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

// forget lets go of a prepared query. Names are not used twice, so it does no
// harm when the server does not.
func (w *worker) forget(ctx context.Context, query any) {
	if name := w.prepared[query]; name != "" {
		delete(w.prepared, query)
		_ = w.conn.Deallocate(ctx, name)
	}
}
