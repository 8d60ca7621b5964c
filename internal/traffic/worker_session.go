package traffic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// prepares limits the queries that a worker prepares before the load begins.
const prepares = 64

// prepareSession makes a session like one that has been used for a while: queries with named
// statements are prepared, and some units have had their turn.
func (w *worker) prepareSession(ctx context.Context) {
	if w.deck == nil {
		return
	}
	for i, q := range w.deck.all {
		if q.Named && (i < prepares || w.isAssigned(i)) && ctx.Err() == nil && !w.conn.IsClosed() && w.setSearchPath(ctx, q.SearchPath) == nil {
			_, _ = w.prepareNamed(ctx, q, q.SQL, q.types)
		}
	}
	sent := 0
	for i, u := range w.deck.touching.units {
		if w.isAssigned(i) && sent < warmed && ctx.Err() == nil && !w.conn.IsClosed() {
			w.sendUnit(ctx, u)
			sent++
		}
	}
}

// isAssigned reports whether the n-th shared item belongs to this worker.
func (w *worker) isAssigned(n int) bool { return n%w.workers == w.number }

// runLastRound is the last round: it sends each query on the release's tables, in the session in
// which it was prepared. If a recorded query cannot be executed, the round asks the server whether it
// can still parse it.
func (w *worker) runLastRound(ctx context.Context) {
	if !w.rec.isLastRound() {
		return
	}
	w.repeatShapes(ctx)
	if w.deck == nil {
		return
	}
	for i, q := range w.deck.all {
		if !w.isAssigned(i) || w.renewSession(ctx) != nil {
			continue
		}
		q.quietUntil.Store(0)
		w.sendAlone(ctx, q, q.kind == write)
	}
	for i, q := range w.deck.read {
		if w.isAssigned(i) && w.renewSession(ctx) == nil && w.setSearchPath(ctx, q.SearchPath) == nil {
			w.sendLogged(ctx, q, "", func() error {
				_, err := w.conn.Prepare(ctx, "", q.SQL, q.types)
				return err
			})
		}
	}
}

// repeatShapes sends each query that was made up from the schema again.
func (w *worker) repeatShapes(ctx context.Context) {
	n := 0
	for _, g := range w.groups {
		for _, s := range []*shape{g.read, g.insert, g.update} {
			if s == nil {
				continue
			}
			if s.duplicate.Load() && s.fallback != nil {
				s = s.fallback
			}
			if n++; !w.isAssigned(n) || ctx.Err() != nil || w.renewSession(ctx) != nil {
				continue
			}
			s.quietUntil.Store(0)
			w.sendShape(ctx, s)
		}
	}
}

// setSearchPath sets the search path of a query for the session.
func (w *worker) setSearchPath(ctx context.Context, path string) error {
	if path == w.searchPath {
		return nil
	}
	var err error
	if path == "" {
		err = w.conn.ExecParams(ctx, "RESET search_path", nil, nil, nil, nil).Read().Err
	} else {
		err = setPath(ctx, w.conn, path, false)
	}
	if err == nil {
		w.searchPath = path
	}
	return err
}

// sendUnit sends a unit, and returns the cost of its queries.
func (w *worker) sendUnit(ctx context.Context, u *unit) (cost time.Duration) {
	if u.transaction {
		return w.sendTransaction(ctx, u)
	}
	q := u.steps[0].recordedQuery
	if isQuiet(&q.quietUntil) {
		return 0
	}
	w.sendAlone(ctx, q, u.ownRows)
	return q.cost
}

// prepareSend prepares a query as its code does, and makes values for it.
func (w *worker) prepareSend(ctx context.Context, q *recordedQuery, v *execution) (func(*pgconn.Pipeline), error) {
	values := v.makeValues(q)
	if !q.Named {
		return func(p *pgconn.Pipeline) { p.SendQueryParams(q.SQL, values, q.types, nil, nil) }, nil
	}
	name, err := w.prepareNamed(ctx, q, q.SQL, q.types)
	return func(p *pgconn.Pipeline) { p.SendQueryPrepared(name, values, nil, nil) }, err
}

// sendAlone sends a query by itself. If it fails, it is prepared again and sent once more
// with other values. After a second failure it is not sent for a while.
func (w *worker) sendAlone(ctx context.Context, q *recordedQuery, ownRows bool) {
	if w.setSearchPath(ctx, q.SearchPath) != nil {
		return
	}
	canRetry := q.quietUntil.Load() == 0
	first := ""
	for {
		err := w.sendLogged(ctx, q, first, func() error {
			send, err := w.prepareSend(ctx, q, newExecution(w.rnd, w.number, w.workers, ownRows))
			if err != nil {
				return err
			}
			return w.sendRolledBack(ctx, send)
		})
		switch {
		case ctx.Err() != nil, w.conn.IsClosed():
			return
		case err == nil:
			q.quietUntil.Store(0)
			return
		}
		w.forgetPrepared(ctx, q)
		if !canRetry {
			if !isDuplicate(err) {
				q.quietUntil.Store(time.Now().Add(retreat).UnixNano())
			}
			return
		}
		canRetry, first = false, err.Code
	}
}

// sendLogged sends a query and logs it. An error that may be caused by its values counts only
// if it is the same as the first one, and never occurred at the base.
func (w *worker) sendLogged(ctx context.Context, q *recordedQuery, first string, run func() error) *onward.ServerError {
	forgive := func(err *onward.ServerError) bool {
		if isDuplicate(err) || err.Code == "25P02" || w.isOwnDeadlock(err) {
			return true
		}
		if !isValueError(err.Code) || err.Code == "40P01" {
			return false
		}
		return w.isKnownNoise(q, err.Code) || err.Code != first
	}
	return w.runTimed(ctx, Query{Relation: q.mainRelation, Kind: q.kind, SQL: q.SQL, Of: q.origin}, forgive, run)
}

// isKnownNoise reports whether made-up values of a query cause this error at the base.
func (w *worker) isKnownNoise(q *recordedQuery, code string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !w.rec.hasBegun() {
		q.noise[code] = true
	}
	return q.noise[code]
}

var blockers = lazyregexp.New(`blocked by process (\d+)`)

// isOwnDeadlock reports whether a deadlock happened among the load's own sessions.
func (w *worker) isOwnDeadlock(err *onward.ServerError) bool {
	if err.Code != "40P01" {
		return false
	}
	found := blockers.FindAllStringSubmatch(err.Detail, -1)
	return len(found) > 0 && !slices.ContainsFunc(found, func(m []string) bool {
		pid, _ := strconv.ParseUint(m[1], 10, 32)
		return !w.isOwn(uint32(pid))
	})
}

// sendTransaction sends a transaction step by step, with the pauses in which its code did
// something else. Then it rolls back, which releases its locks.
func (w *worker) sendTransaction(ctx context.Context, u *unit) (cost time.Duration) {
	exec := func(sql string) error { return w.conn.ExecParams(ctx, sql, nil, nil, nil, nil).Read().Err }
	if w.setSearchPath(ctx, u.steps[0].SearchPath) != nil || exec("BEGIN") != nil {
		return 0
	}
	path := w.searchPath
	cost, q, err := w.sendSteps(ctx, u)
	if !w.conn.IsClosed() && exec("ROLLBACK") != nil {
		closeAndWait(w.conn)
	}
	w.searchPath = path // one that was set inside has ended with the transaction
	if err == nil || ctx.Err() != nil || w.conn.IsClosed() {
		return cost
	}
	w.forgetPrepared(ctx, q)
	switch {
	case !isValueError(err.Code):
		q.quietUntil.Store(time.Now().Add(retreat).UnixNano())
	case !isDuplicate(err) && !w.isKnownNoise(q, err.Code):
		// Outside of the transaction, alone finds out whether the values were the cause.
		w.sendAlone(ctx, q, u.ownRows)
	}
	return cost
}

// sendSteps sends the queries of a transaction, up to the first that fails.
func (w *worker) sendSteps(ctx context.Context, u *unit) (cost time.Duration, q *recordedQuery, err *onward.ServerError) {
	v := newExecution(w.rnd, w.number, w.workers, u.ownRows)
	for _, s := range u.steps {
		for range s.times {
			if isQuiet(&s.quietUntil) || w.setSearchPath(ctx, s.SearchPath) != nil {
				return cost, nil, nil // the code would not reach the following ones
			}
			cost += s.cost
			err := w.sendLogged(ctx, s.recordedQuery, "", func() error { return w.sendInTransaction(ctx, s.recordedQuery, v) })
			if err != nil || ctx.Err() != nil || w.conn.IsClosed() {
				return cost, s.recordedQuery, err
			}
			s.quietUntil.Store(0)
			if u.pause > 0 && !w.pauseFor(ctx, u.pause) {
				return cost, nil, nil
			}
		}
	}
	return cost, nil, nil
}

// sendInTransaction sends a query of a transaction.
func (w *worker) sendInTransaction(ctx context.Context, q *recordedQuery, v *execution) error {
	values := v.makeValues(q)
	if !q.Named {
		return w.conn.ExecParams(ctx, q.SQL, values, q.types, nil, nil).Read().Err
	}
	name, err := w.prepareNamed(ctx, q, q.SQL, q.types)
	if err != nil {
		return err
	}
	return w.conn.ExecPrepared(ctx, name, values, nil, nil).Read().Err
}

// The reader scans a table in chunks of stepRows rows, with a pause after each,
// for at most steps chunks. It holds its lock and its snapshot for a fifth of a
// second, as an export or a report would, at almost no cost.
const (
	readerEvery = time.Second
	steps       = 10
	stepRows    = 500
	stepPause   = 20 * time.Millisecond
)

// reader is the session that reads for longer: see Config.LongReader.
type reader struct {
	session
	relations []*relation
}

func (r *reader) runReader(ctx context.Context, ready chan<- error) {
	defer r.closeConnection()
	err := r.openConnection(ctx)
	if err == nil {
		r.scanRelation(ctx, r.relations[0], 1)
	}
	ready <- err
	for i := 1; err == nil && r.pauseFor(ctx, readerEvery); i++ {
		// A failed connection is tried again after the next pause.
		if r.openConnection(ctx) == nil {
			r.scanRelation(ctx, r.relations[i%len(r.relations)], steps)
		}
	}
}

// scanRelation scans a relation. Only the first chunk, which takes the lock, is timed:
// the rest is slow on purpose.
func (r *reader) scanRelation(ctx context.Context, rel *relation, most int) {
	sql := fmt.Sprintf("SELECT %s FROM %s", formatColumns(rel, allIndexes(len(rel.columns))), rel.quoted)
	exec := func(sql string) (int64, error) {
		results, err := r.conn.Exec(ctx, sql).ReadAll()
		if err != nil {
			return 0, err
		}
		return results[len(results)-1].CommandTag.RowsAffected(), nil
	}
	step := fmt.Sprintf("MOVE FORWARD %d IN onward_reader", stepRows)
	var rows int64
	refused := r.runTimed(ctx, Query{Relation: rel.name, Kind: read, SQL: sql}, isDuplicate, func() (err error) {
		rows, err = exec("BEGIN; DECLARE onward_reader NO SCROLL CURSOR FOR " + sql + "; " + step)
		return err
	})
	for i := 1; i < most && refused == nil && rows == stepRows && r.pauseFor(ctx, stepPause); i++ {
		var err error
		if rows, err = exec(step); err != nil {
			break
		}
	}
	if r.conn.IsClosed() || ctx.Err() != nil {
		return
	}
	if _, err := exec("ROLLBACK"); err != nil && !errors.Is(err, context.Canceled) {
		// The session cannot be used any more: the next scan opens a new one.
		closeAndWait(r.conn)
	}
}
