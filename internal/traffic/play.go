package traffic

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/onward"
)

// prepares bounds the queries that a worker prepares before the load begins.
const prepares = 64

// settle makes a session like one that has been in use for a while: what code prepares
// under a name is prepared, and some units have had their turn.
func (w *worker) settle(ctx context.Context) {
	if w.deck == nil {
		return
	}
	for i, q := range w.deck.all {
		if q.Named && (i < prepares || w.takes(i)) && ctx.Err() == nil && !w.conn.IsClosed() && w.follow(ctx, q.SearchPath) == nil {
			_, _ = w.prepare(ctx, q, q.SQL, q.types)
		}
	}
	sent := 0
	for i, u := range w.deck.touching.units {
		if w.takes(i) && sent < warmed && ctx.Err() == nil && !w.conn.IsClosed() {
			w.play(ctx, u)
			sent++
		}
	}
}

// takes reports whether the n-th of what the workers share is this one's.
func (w *worker) takes(n int) bool { return n%w.of == w.number }

// tour is the last round: each recorded query on the release's tables, in the session in
// which it was prepared before. Of one that cannot be run the server is asked whether it
// still understands it.
func (w *worker) tour(ctx context.Context) {
	if w.deck == nil || !w.rec.touring() {
		return
	}
	for i, q := range w.deck.all {
		if !w.takes(i) || w.renew(ctx) != nil {
			continue
		}
		q.quiet.Store(0)
		w.alone(ctx, q, q.kind == write)
	}
	for i, q := range w.deck.read {
		if w.takes(i) && w.renew(ctx) == nil && w.follow(ctx, q.SearchPath) == nil {
			w.one(ctx, q, "", func() error {
				_, err := w.conn.Prepare(ctx, "", q.SQL, q.types)
				return err
			})
		}
	}
}

// follow puts the search path of a query in force, for the session.
func (w *worker) follow(ctx context.Context, path string) error {
	if path == w.path {
		return nil
	}
	var err error
	if path == "" {
		err = w.conn.ExecParams(ctx, "RESET search_path", nil, nil, nil, nil).Read().Err
	} else {
		err = setPath(ctx, w.conn, path, false)
	}
	if err == nil {
		w.path = path
	}
	return err
}

// play sends a unit, and gives what its queries cost.
func (w *worker) play(ctx context.Context, u *unit) (cost time.Duration) {
	if u.transaction {
		return w.transact(ctx, u)
	}
	q := u.steps[0].recorded
	if left(&q.quiet) {
		return 0
	}
	w.alone(ctx, q, u.own)
	return q.cost
}

// sender prepares a query as its code does, and makes values for it.
func (w *worker) sender(ctx context.Context, q *recorded, v *visit) (func(*pgconn.Pipeline), error) {
	values := v.values(q)
	if !q.Named {
		return func(p *pgconn.Pipeline) { p.SendQueryParams(q.SQL, values, q.types, nil, nil) }, nil
	}
	name, err := w.prepare(ctx, q, q.SQL, q.types)
	return func(p *pgconn.Pipeline) { p.SendQueryPrepared(name, values, nil, nil) }, err
}

// alone sends a query by itself, and when it is refused once more: prepared anew, with
// other values. Then it is left alone for a while.
func (w *worker) alone(ctx context.Context, q *recorded, own bool) {
	if w.follow(ctx, q.SearchPath) != nil {
		return
	}
	again := q.quiet.Load() == 0
	first := ""
	for {
		err := w.one(ctx, q, first, func() error {
			send, err := w.sender(ctx, q, newVisit(w.rnd, w.number, w.of, own))
			if err != nil {
				return err
			}
			return w.rolledBack(ctx, send)
		})
		switch {
		case ctx.Err() != nil, w.conn.IsClosed():
			return
		case err == nil:
			q.quiet.Store(0)
			return
		}
		w.forget(ctx, q)
		if !again {
			if !duplicate(err) {
				q.quiet.Store(time.Now().Add(retreat).UnixNano())
			}
			return
		}
		again, first = false, err.Code
	}
}

// one sends a query under the watcher's eyes. A refusal that may be due to values counts
// when it comes a second time, as it did first, and was never seen at the base.
func (w *worker) one(ctx context.Context, q *recorded, first string, run func() error) *onward.ServerError {
	forgive := func(err *onward.ServerError) bool {
		if duplicate(err) || err.Code == "25P02" || w.amongUs(err) {
			return true
		}
		if !ofValues(err.Code) || err.Code == "40P01" {
			return false
		}
		return w.noisy(q, err.Code) || err.Code != first
	}
	return w.timed(ctx, Query{Relation: q.main, Kind: q.kind, SQL: q.SQL, Of: q.origin}, forgive, run)
}

// noisy reports whether made-up values of a query are refused so at the base.
func (w *worker) noisy(q *recorded, code string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !w.rec.hasBegun() {
		q.noise[code] = true
	}
	return q.noise[code]
}

var blockers = regexp.MustCompile(`blocked by process (\d+)`)

// amongUs reports whether a deadlock is one of the load with itself.
func (w *worker) amongUs(err *onward.ServerError) bool {
	if err.Code != "40P01" {
		return false
	}
	found := blockers.FindAllStringSubmatch(err.Detail, -1)
	return len(found) > 0 && !slices.ContainsFunc(found, func(m []string) bool {
		pid, _ := strconv.ParseUint(m[1], 10, 32)
		return !w.ours(uint32(pid))
	})
}

// transact sends a transaction step by step, with the pauses in which its code did
// something else, and rolls it back: its locks are held until then.
func (w *worker) transact(ctx context.Context, u *unit) (cost time.Duration) {
	exec := func(sql string) error { return w.conn.ExecParams(ctx, sql, nil, nil, nil, nil).Read().Err }
	if w.follow(ctx, u.steps[0].SearchPath) != nil || exec("BEGIN") != nil {
		return 0
	}
	path := w.path
	cost, q, err := w.steps(ctx, u)
	if !w.conn.IsClosed() && exec("ROLLBACK") != nil {
		shut(w.conn)
	}
	w.path = path // one that was set inside has ended with the transaction
	if err == nil || ctx.Err() != nil || w.conn.IsClosed() {
		return cost
	}
	w.forget(ctx, q)
	switch {
	case !ofValues(err.Code):
		q.quiet.Store(time.Now().Add(retreat).UnixNano())
	case !duplicate(err) && !w.noisy(q, err.Code):
		// Whether that was due to its values is found out outside of the transaction.
		w.alone(ctx, q, u.own)
	}
	return cost
}

// steps sends the queries of a transaction, up to one that is refused.
func (w *worker) steps(ctx context.Context, u *unit) (cost time.Duration, q *recorded, err *onward.ServerError) {
	v := newVisit(w.rnd, w.number, w.of, u.own)
	for _, s := range u.steps {
		for range s.times {
			if left(&s.quiet) || w.follow(ctx, s.SearchPath) != nil {
				return cost, nil, nil // what comes behind would not be reached
			}
			cost += s.cost
			err := w.one(ctx, s.recorded, "", func() error { return w.inside(ctx, s.recorded, v) })
			if err != nil || ctx.Err() != nil || w.conn.IsClosed() {
				return cost, s.recorded, err
			}
			s.quiet.Store(0)
			if u.pause > 0 && !w.pause(ctx, u.pause) {
				return cost, nil, nil
			}
		}
	}
	return cost, nil, nil
}

// inside sends a query of a transaction.
func (w *worker) inside(ctx context.Context, q *recorded, v *visit) error {
	values := v.values(q)
	if !q.Named {
		return w.conn.ExecParams(ctx, q.SQL, values, q.types, nil, nil).Read().Err
	}
	name, err := w.prepare(ctx, q, q.SQL, q.types)
	if err != nil {
		return err
	}
	return w.conn.ExecPrepared(ctx, name, values, nil, nil).Read().Err
}
