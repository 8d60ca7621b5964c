package throttle

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// oldestSnapshot is the age of the oldest transaction that still sees old rows: row versions that a backfill
// replaces stay in the table while it is open. It slows down and never stops.
var oldestSnapshot = signal{name: "the age of the oldest snapshot", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
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
	var holder string
	var age float64
	_, err = pgx.ForEachRow(rows, []any{&holder, &age}, func() error {
		out = judgeLimit(age, g.limits.Snapshot.Seconds(), "%s has had a snapshot for %s: no dead row is cleared away meanwhile", holder,
			secondsToDuration(age).Round(time.Second))
		out.Level = min(out.Level, Slow)
		return nil
	})
	return out, err
}}
