package traffic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// ValueSearch says how values are found for queries that were recorded without them.
type ValueSearch struct {
	// URL connects to the database on which a query must succeed with its values, as the owner of the tables.
	URL string
	// Sources connect to databases with the same schema. Values come from their rows.
	Sources []string
	// Most is how many different lists of values a query gets from each source.
	Most int
	// Seed decides from which rows.
	Seed uint64
	// Limit is the time for all queries.
	Limit time.Duration
	// Logger gets the queries without values. Defaults to none.
	Logger *slog.Logger
}

// FoundValues are the values with which the server executes a query.
type FoundValues struct {
	Query *workload.Query
	// Types are the declared types of the parameters. 0, or no element, leaves a type to the server.
	Types []uint32
	// Values are different lists of values, as texts; nil is NULL. A query without parameters has one empty list.
	Values [][][]byte
	// FindsRows: with one of the lists it reads or changes a row.
	FindsRows bool
}

// FindValues finds values for the code's queries of a recording. left are the queries without values, and those that are never executed, by reason.
// Every query is tried in a transaction that is rolled back.
func FindValues(ctx context.Context, s ValueSearch, load *workload.Workload) (found []FoundValues, left []onward.LeftOut, err error) {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	var out leftOut
	queries := selectRunnable(load, &out, true)
	t := &trial{workers: 1, rnd: rand.New(rand.NewPCG(s.Seed, 1)), seed: s.Seed, logger: s.Logger}
	if t.config, err = pgx.ParseConfig(s.URL); err != nil {
		return nil, nil, fmt.Errorf("find values: %w", err)
	}
	catalogs, err := connectToCatalogs(ctx, t.config)
	if err != nil {
		return nil, nil, fmt.Errorf("find values: %w", err)
	}
	defer closeAndWait(catalogs.PgConn())
	t.types = types{catalogs: catalogs, byOID: map[uint32]column{}, byName: map[string]uint32{}}
	var rows []map[string]*relation
	for _, url := range s.Sources {
		known, err := readRows(ctx, url, queries, s.Seed)
		if err != nil {
			return nil, nil, fmt.Errorf("find values: %w", err)
		}
		rows = append(rows, known)
	}
	if found, err = t.findAllValues(ctx, s, queries, rows, &out); err != nil {
		return nil, nil, fmt.Errorf("find values: %w", err)
	}
	return found, out.sortGroups(), nil
}

// connectToCatalogs opens a session in which names are the server's own.
func connectToCatalogs(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	plain := config.Copy()
	plain.RuntimeParams["search_path"] = "pg_catalog, pg_temp"
	return pgx.ConnectConfig(ctx, plain)
}

// readRows reads the relations of queries in a database, with some rows of each.
func readRows(ctx context.Context, url string, queries []*recordedQuery, seed uint64) (map[string]*relation, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	// Text is sent again in the form in which it is read.
	config.RuntimeParams["DateStyle"], config.RuntimeParams["IntervalStyle"], config.RuntimeParams["extra_float_digits"] = "ISO, YMD", "postgres", "3"
	conn, err := connectToCatalogs(ctx, config)
	if err != nil {
		return nil, err
	}
	defer closeAndWait(conn.PgConn())
	known, err := readKnownRelations(ctx, conn, queries)
	if err != nil {
		return nil, err
	}
	for _, r := range known {
		err := inLimitedTransaction(ctx, conn, func() error { return sampleRows(ctx, conn, r, seed) })
		if err != nil && (conn.IsClosed() || ctx.Err() != nil) {
			return nil, err
		}
	}
	return known, nil
}

// findAllValues finds values for each query.
func (t *trial) findAllValues(ctx context.Context, s ValueSearch, queries []*recordedQuery, rows []map[string]*relation, left *leftOut) (
	out []FoundValues, err error) {
	err = t.tryEach(ctx, queries, s.Limit, left, func(q *recordedQuery) error {
		found, leaveReason, refusal, err := t.findQueryValues(ctx, q, rows, s.Most)
		switch {
		case err != nil:
			return err
		case leaveReason == "":
			out = append(out, *found)
		default:
			t.logger.Debug("a query without values", "query", q.ID, "why", leaveReason, "error", refusal)
			left.addQuery(q, leaveReason, refusal)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// findQueryValues finds values for a query. leaveReason is one of the reasons, "" if some were found.
func (t *trial) findQueryValues(ctx context.Context, q *recordedQuery, rows []map[string]*relation, most int) (
	found *FoundValues, leaveReason string, refusal *onward.ServerError, err error) {
	oids, refusal := t.describeParams(ctx, q)
	if refusal != nil {
		return nil, leftRefused, refusal, ctx.Err()
	}
	if err := t.types.readTypes(ctx, oids, nil); err != nil {
		return nil, "", nil, err
	}
	found = &FoundValues{Query: q.Query, Types: q.types}
	for i, known := range rows {
		if len(oids) == 0 && i > 0 {
			break // it would be the same
		}
		t.bindParams(q, oids, known)
		reason, last := t.tryValueLists(ctx, q, found, most)
		if ctx.Err() != nil {
			return nil, "", nil, ctx.Err()
		}
		if reason == leftSlow || reason == leftReach || reason == leftRefused {
			return nil, reason, last, nil
		}
		refusal = last
	}
	if len(found.Values) == 0 {
		return nil, leftValues, refusal, nil
	}
	return found, "", nil, nil
}

// tries is how often a query is tried with values of one mode, to find several lists.
const tries = 6

// tryValueLists adds lists of values from the rows of one source. Lists with which the query finds a row replace those without.
// leaveReason is a reason to give the query up.
func (t *trial) tryValueLists(ctx context.Context, q *recordedQuery, found *FoundValues, most int) (leaveReason string, refusal *onward.ServerError) {
	added := 0
	for i := range tries * int(makings) {
		q.mode = valueMode(i / tries)
		values := newExecution(t.rnd, 0, 1, q.kind == write).makeValues(q)
		if added >= most || len(q.params) == 0 && i > 0 {
			break
		}
		if slices.ContainsFunc(found.Values, func(list [][]byte) bool { return slices.EqualFunc(list, values, equalText) }) {
			continue
		}
		rows, err := t.tryOnce(ctx, q, values)
		var pg *pgconn.PgError
		switch {
		case ctx.Err() != nil:
			return "", nil
		case err == nil && rows == 0 && found.FindsRows:
		case err == nil:
			if rows > 0 && !found.FindsRows {
				found.Values, found.FindsRows, added = nil, true, 0
			}
			if rows > 0 || len(found.Values) == 0 {
				found.Values, added = append(found.Values, values), added+1
			}
		case t.conn.IsClosed():
			return leftReach, toServerError(err)
		case errors.As(err, &pg) && pg.Code == "57014":
			return leftSlow, nil
		default:
			if refusal = toServerError(err); !isValueError(refusal.Code) {
				return leftRefused, refusal
			}
		}
	}
	return "", refusal
}

// equalText reports whether two values are the same. NULL is no empty text.
func equalText(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// tryOnce executes a query in a transaction that is rolled back, and returns how many rows it returns or changes.
func (t *trial) tryOnce(ctx context.Context, q *recordedQuery, values [][]byte) (rows int64, err error) {
	err = inLimitedTransaction(ctx, t.conn, func() error {
		if err := t.setTrialPath(ctx, q); err != nil {
			return err
		}
		result := t.conn.PgConn().ExecParams(ctx, q.SQL, values, q.types, nil, nil).Read()
		rows = max(result.CommandTag.RowsAffected(), int64(len(result.Rows)))
		return result.Err
	})
	return rows, err
}
