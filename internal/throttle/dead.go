package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/size"
)

// fewDead is the number of dead rows below which a table never causes a slowdown.
const fewDead = 100_000

// deadRows is the part of a table's rows that are dead. It slows down and never stops: if autovacuum is
// off, nothing would end the stop.
var deadRows = signal{name: "the number of dead rows", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Dead < 0 {
		return Verdict{}, nil
	}
	rows, err := conn.Query(ctx, `SELECT s.schemaname || '.' || s.relname, s.n_dead_tup, s.n_dead_tup::float8 / greatest(s.n_dead_tup + s.n_live_tup, 1)
		FROM pg_stat_user_tables AS s WHERE s.schemaname || '.' || s.relname = ANY ($1) AND s.n_dead_tup > $2 ORDER BY 3 DESC LIMIT 1`, g.tables, int64(fewDead))
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	var table string
	var count int64
	var part float64
	_, err = pgx.ForEachRow(rows, []any{&table, &count, &part}, func() error {
		out = judgeLimit(part, g.limits.Dead, "%.0f %% of %s are dead rows (%s): VACUUM %[2]s", 100*part, table, size.FormatCount(count))
		out.Level = min(out.Level, Slow)
		return nil
	})
	return out, err
}}
