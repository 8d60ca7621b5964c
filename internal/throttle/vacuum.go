package throttle

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// vacuum checks whether autovacuum is processing a table. If no other session is at work, nobody but the backfill needs what it removes, so
// only a vacuum that prevents the wraparound of transaction IDs counts then.
var vacuum = signal{name: "autovacuum", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Vacuum < 0 {
		return Verdict{}, nil
	}
	var table string
	err := conn.QueryRow(ctx, `SELECT n.nspname || '.' || c.relname FROM pg_stat_progress_vacuum AS v
		JOIN pg_class AS c ON c.oid = v.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE v.datname = current_database() AND n.nspname || '.' || c.relname = ANY ($1)
			AND (NOT $2 OR EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = v.pid AND a.query LIKE 'autovacuum: %(to prevent wraparound)'))
		ORDER BY 1 LIMIT 1`, g.tables, g.load.kind == NoLoad).Scan(&table)
	if errors.Is(err, pgx.ErrNoRows) {
		return Verdict{}, nil
	}
	return Verdict{Level: Slow, Why: "vacuum works on " + table}, err
}}
