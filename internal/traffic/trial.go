package traffic

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/onward"
)

// trial runs recorded queries at the base, to find out which of them the schema accepts,
// with which values, and their cost. Everything is rolled back.
type trial struct {
	config  *pgx.ConnConfig
	conn    *pgx.Conn
	types   types
	known   map[string]*relation
	sampled map[*relation]bool
	seed    uint64
	workers int
	rnd     *rand.Rand
	logger  *slog.Logger
	// read are queries that the base accepts, but that are too slow, or for which no
	// values were found.
	read []*recordedQuery
}

// tryEach tries queries one after the other, with an open connection. It leaves out those for which the time is not enough.
func (t *trial) tryEach(ctx context.Context, queries []*recordedQuery, limit time.Duration, left *leftOut, try func(*recordedQuery) error) (err error) {
	var names []string
	for _, q := range queries {
		names = append(names, q.Params...)
	}
	if err := t.types.readTypes(ctx, nil, names); err != nil {
		return err
	}
	if t.conn, err = pgx.ConnectConfig(ctx, t.config); err != nil {
		return err
	}
	defer func() { closeAndWait(t.conn.PgConn()) }()
	until := time.Now().Add(limit)
	for _, q := range queries {
		if time.Now().After(until) {
			left.addQuery(q, leftUntried, nil)
			continue
		}
		if t.conn.IsClosed() { // a query that ends its session is not used
			if t.conn, err = pgx.ConnectConfig(ctx, t.config); err != nil {
				return err
			}
		}
		if err := try(q); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// tryAllQueries tries queries, and returns the usable ones.
func (t *trial) tryAllQueries(ctx context.Context, queries []*recordedQuery, left *leftOut) (fit []*recordedQuery, err error) {
	t.sampled = map[*relation]bool{}
	err = t.tryEach(ctx, queries, trialTime, left, func(q *recordedQuery) error {
		leaveReason, refusal, err := t.tryQuery(ctx, q)
		switch {
		case err != nil:
			return err
		case leaveReason == "":
			fit = append(fit, q)
		default:
			t.logger.Debug("a recorded query that is no part of the traffic", "query", q.ID, "why", leaveReason, "error", refusal)
			left.addQuery(q, leaveReason, refusal)
			if q.touches && (leaveReason == leftSlow || leaveReason == leftValues) {
				q.origin.Touches = false // it is not part of the load
				t.read = append(t.read, q)
			}
		}
		return nil
	})
	return fit, err
}

// tryQuery tries a query. leaveReason is one of the reasons, "" if it is usable; err is not caused by
// the query.
func (t *trial) tryQuery(ctx context.Context, q *recordedQuery) (leaveReason string, refusal *onward.ServerError, err error) {
	oids, refusal := t.describeParams(ctx, q)
	if refusal != nil {
		return leftRefused, refusal, ctx.Err()
	}
	if err := t.types.readTypes(ctx, oids, nil); err != nil {
		return "", nil, err
	}
	t.bindParams(q, oids, t.known)
	for i := range q.params {
		if table := q.params[i].table; table != nil {
			t.sampleOnce(ctx, table)
			for _, c := range table.columns {
				if c.refers != nil && len(table.rows) == 0 {
					t.sampleOnce(ctx, c.refers)
				}
			}
		}
	}
	return t.tryValues(ctx, q)
}

// bindParams finds out which columns of the known relations the parameters of a query belong to.
func (t *trial) bindParams(q *recordedQuery, oids []uint32, known map[string]*relation) {
	bound := bindParameters(q.node, newScope(q, known))
	q.params = make([]param, len(oids))
	for i, oid := range oids {
		q.params[i] = bound[i+1]
		q.params[i].ownType = t.types.byOID[oid]
	}
}

// describeParams asks the server for the types of a query's parameters: with the recorded
// types, and without, because a type may have another name here.
func (t *trial) describeParams(ctx context.Context, q *recordedQuery) (oids []uint32, refusal *onward.ServerError) {
	q.types = make([]uint32, len(q.Params))
	declared := false
	for i, name := range q.Params {
		q.types[i] = t.types.byName[name]
		declared = declared || q.types[i] != 0
	}
	ask := func() error {
		return inLimitedTransaction(ctx, t.conn, func() error {
			if err := t.setTrialPath(ctx, q); err != nil {
				return err
			}
			d, err := t.conn.PgConn().Prepare(ctx, "", q.SQL, q.types)
			if err == nil {
				oids = d.ParamOIDs
			}
			return err
		})
	}
	err := ask()
	if err != nil && declared && !t.conn.IsClosed() {
		declaredErr := err
		q.types = nil
		if err = ask(); err != nil {
			err = declaredErr
		}
	}
	if err != nil {
		return nil, toServerError(err)
	}
	return oids, nil
}

// setTrialPath sets the search path of a query for the transaction.
func (t *trial) setTrialPath(ctx context.Context, q *recordedQuery) error {
	if q.SearchPath == "" {
		return nil
	}
	return setPath(ctx, t.conn.PgConn(), q.SearchPath, true)
}

func setPath(ctx context.Context, conn *pgconn.PgConn, path string, local bool) error {
	value := []byte("false")
	if local {
		value = []byte("true")
	}
	return conn.ExecParams(ctx, "SELECT pg_catalog.set_config('search_path', $1, $2)", [][]byte{[]byte(path), value}, nil, nil, nil).Read().Err
}

func (t *trial) sampleOnce(ctx context.Context, r *relation) {
	if t.sampled[r] {
		return
	}
	t.sampled[r] = true
	if err := inLimitedTransaction(ctx, t.conn, func() error { return sampleRows(ctx, t.conn, r, t.seed) }); err != nil {
		t.logger.Debug("no rows to take values from", "relation", r.name, "error", err)
	}
}

// attempts is how often a query is tried with values of one mode.
const attempts = 2

func (t *trial) tryValues(ctx context.Context, q *recordedQuery) (leaveReason string, refusal *onward.ServerError, err error) {
	for i := range attempts * int(makings) {
		if q.mode = valueMode(i / attempts); i%attempts == 0 {
			clear(q.noise)
		}
		var took time.Duration
		err := inLimitedTransaction(ctx, t.conn, func() error {
			if err := t.setTrialPath(ctx, q); err != nil {
				return err
			}
			values := newExecution(t.rnd, i%max(t.workers, 1), max(t.workers, 1), q.kind == write).makeValues(q)
			began := time.Now()
			defer func() { took = time.Since(began) }()
			return t.conn.PgConn().ExecParams(ctx, q.SQL, values, q.types, nil, nil).Read().Err
		})
		if ctx.Err() != nil {
			return "", nil, ctx.Err()
		}
		var pg *pgconn.PgError
		switch {
		case err == nil:
			q.cost = took
			return "", nil, nil
		case t.conn.IsClosed():
			return leftReach, toServerError(err), nil
		case errors.As(err, &pg) && pg.Code == "57014":
			return leftSlow, nil, nil
		}
		refusal = toServerError(err)
		q.noise[refusal.Code] = true
		switch {
		case q.mode == copied && isDuplicate(refusal):
			q.cost = took // it reaches its locks
			return "", nil, nil
		case !isValueError(refusal.Code):
			return leftRefused, refusal, nil
		}
		if len(q.params) == 0 {
			break // the next attempt would be the same
		}
	}
	return leftValues, refusal, nil
}

// isValueError reports whether made-up values may have caused an error: by data, rows, a
// function that raises, or a state that another query should have created.
func isValueError(code string) bool {
	switch code[:min(len(code), 2)] {
	case "21", "22", "23", "40", "44", "55", "P0":
		return true
	}
	return false
}
