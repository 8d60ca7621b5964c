package throttle

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// snapshot is the age of the oldest transaction that still sees old rows: what a backfill replaces stays in
// the table for as long as that one is open. It slows down and never stops.
var snapshot = signal{name: "the age of the oldest snapshot", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Snapshot < 0 {
		return Verdict{}, nil
	}
	rows, err := conn.Query(ctx, `SELECT 'process ' || pid, extract(epoch FROM clock_timestamp() - xact_start)::float8 FROM pg_stat_activity
		WHERE backend_xmin IS NOT NULL AND xact_start IS NOT NULL AND backend_type <> 'walsender' AND datname = current_database()
		UNION ALL SELECT 'the prepared transaction ' || quote_literal(gid), extract(epoch FROM clock_timestamp() - prepared)::float8 FROM pg_prepared_xacts WHERE database = current_database()
		ORDER BY 2 DESC LIMIT 1`)
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	var who string
	var age float64
	_, err = pgx.ForEachRow(rows, []any{&who, &age}, func() error {
		out = over(age, g.limits.Snapshot.Seconds(), "%s has had a snapshot for %s: no dead row is cleared away meanwhile", who, seconds(age).Round(time.Second))
		out.Level = min(out.Level, Slow)
		return nil
	})
	return out, err
}}
