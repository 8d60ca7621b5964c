package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/size"
)

// fewDead is how many dead rows no table is slowed down for.
const fewDead = 100_000

// dead is which part of a table is dead rows. It slows down and never stops: where autovacuum is off
// nothing else would end it.
var dead = signal{name: "the number of dead rows", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
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
		out = over(part, g.limits.Dead, "%.0f %% of %s are dead rows (%s): VACUUM %[2]s", 100*part, table, size.Number(count))
		out.Level = min(out.Level, Slow)
		return nil
	})
	return out, err
}}
