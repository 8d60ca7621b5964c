package throttle

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// vacuum checks whether autovacuum is processing a table, to remove the dead rows of the
// backfill.
var vacuum = signal{name: "autovacuum", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Vacuum < 0 {
		return Verdict{}, nil
	}
	var table string
	err := conn.QueryRow(ctx, `SELECT n.nspname || '.' || c.relname FROM pg_stat_progress_vacuum AS v
		JOIN pg_class AS c ON c.oid = v.relid JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE v.datname = current_database() AND n.nspname || '.' || c.relname = ANY ($1) ORDER BY 1 LIMIT 1`, g.tables).Scan(&table)
	if errors.Is(err, pgx.ErrNoRows) {
		return Verdict{}, nil
	}
	return Verdict{Level: Slow, Why: "vacuum works on " + table}, err
}}
