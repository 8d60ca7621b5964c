package traffic

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// group holds the queries on one relation; nil for a kind of write that it does
// not allow.
type group struct{ read, insert, update *shape }

// deriveQueries finds for every relation the queries that it allows, by trying them.
// It also returns the readable relations.
func (l *Load) deriveQueries(ctx context.Context, catalogs *pgx.Conn, config *pgx.ConnConfig, c Config) ([]*group, []*relation, error) {
	logger := l.logger
	relations, err := readSchema(ctx, catalogs, c.Relations)
	if err != nil {
		return nil, nil, fmt.Errorf("read the schema: %w", err)
	}
	if len(relations) == 0 {
		return nil, nil, nil
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	defer closeAndWait(conn.PgConn())
	if missing := len(c.Relations) - len(relations); missing > 0 {
		logger.Debug("relations that cannot be queried", "count", missing)
	}
	rnd := rand.New(rand.NewPCG(c.Seed, 0))
	var groups []*group
	var read []*relation
	for _, r := range relations {
		if err := inLimitedTransaction(ctx, conn, func() error { return sampleRows(ctx, conn, r, c.Seed) }); err != nil {
			if conn.IsClosed() || ctx.Err() != nil {
				return nil, nil, err
			}
			// A materialized view without data, or a view that takes too long.
			logger.Warn("no traffic on a relation that cannot be read", "relation", r.name, "error", err)
			continue
		}
		g := &group{}
		for _, kind := range []struct {
			into   **shape
			shapes []*shape
		}{{&g.read, newReadShapes(r)}, {&g.insert, newInsertShapes(r)}, {&g.update, newUpdateShapes(r)}} {
			for _, s := range kind.shapes {
				err := inLimitedTransaction(ctx, conn, func() error { return tryShape(ctx, conn, s, rnd, c.Workers) })
				if err == nil && *kind.into == nil {
					*kind.into = s
					continue
				}
				if err == nil {
					(*kind.into).fallback = s
					break
				}
				if conn.IsClosed() || ctx.Err() != nil {
					return nil, nil, err
				}
				logger.Debug("a query that is no part of the traffic", "sql", s.sql, "error", err)
			}
		}
		if g.read == nil {
			logger.Warn("no traffic on a relation that refuses to be read, or takes too long", "relation", r.name)
			continue
		}
		groups, read = append(groups, g), append(read, r)
	}
	return groups, read, nil
}

// inLimitedTransaction runs something in a transaction that is rolled back, and in which
// each statement is limited to tryLimit.
func inLimitedTransaction(ctx context.Context, conn *pgx.Conn, run func() error) error {
	if _, err := conn.PgConn().Exec(ctx, fmt.Sprintf("BEGIN; SET LOCAL statement_timeout = %d", tryLimit.Milliseconds())).ReadAll(); err != nil {
		return err
	}
	err := run()
	if _, end := conn.PgConn().Exec(ctx, "ROLLBACK").ReadAll(); err == nil {
		err = end
	}
	return err
}

// tryShape runs a shape a few times, and records its cost: a unique value may exist,
// or a partition may be missing, for one row and not for another.
func tryShape(ctx context.Context, conn *pgx.Conn, s *shape, rnd *rand.Rand, workers int) error {
	if _, err := conn.PgConn().Prepare(ctx, "", s.sql, nil); err != nil {
		return err
	}
	for i := range 3 {
		began := time.Now()
		if result := conn.PgConn().ExecPrepared(ctx, "", s.values(rnd, i%workers, workers), nil, nil).Read(); result.Err != nil {
			return result.Err
		}
		if took := time.Since(began); i == 0 || took < s.cost {
			s.cost = took
		}
	}
	return nil
}
