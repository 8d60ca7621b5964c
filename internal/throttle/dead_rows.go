package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/size"
)

// fewDead is the number of dead rows below which a table never causes a slowdown.
const fewDead = 100_000

// ownWrites counts the dead rows that a backfill has left itself, by table.
type ownWrites struct {
	added map[string]int64 // since the last reading
	dead  map[string]int64 // those that may still be there, at the last reading
}

// AddWrites counts rows of a table, named as "schema.name", that the backfill has changed. Each of them leaves a dead row.
func (g *Gauge) AddWrites(table string, rows int64) { g.writes.added[table] += rows }

// countOwnDead returns how many of a table's dead rows are the backfill's own. It assumes that vacuum removes the rows of others first, so that
// the rows of others are never overestimated.
func (w *ownWrites) countOwnDead(table string, dead int64) int64 {
	w.dead[table] = min(w.dead[table]+w.added[table], dead)
	w.added[table] = 0
	return w.dead[table]
}

// deadRows is the part of a table's rows that are dead. The backfill's own dead rows count only if they harm others. It slows down and never
// stops: if autovacuum is off, nothing would end the stop.
var deadRows = signal{name: "the number of dead rows", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Dead < 0 {
		return Verdict{}, nil
	}
	// The view pg_stat_user_tables would count all tables of the database.
	rows, err := conn.Query(ctx, `SELECT t.name, pg_catalog.pg_stat_get_dead_tuples(c.oid), pg_catalog.pg_stat_get_live_tuples(c.oid)
		FROM unnest($1::text[]) AS t (name) JOIN pg_catalog.pg_namespace AS n ON pg_catalog.starts_with(t.name, n.nspname || '.')
			JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = substr(t.name, length(n.nspname) + 2)::name`, g.tables)
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	var table string
	var dead, live int64
	most := 0.0
	_, err = pgx.ForEachRow(rows, []any{&table, &dead, &live}, func() error {
		count := dead
		if ownDead := g.writes.countOwnDead(table, dead); !g.load.harmful {
			count -= ownDead
		}
		part := float64(count) / float64(max(dead+live, 1))
		if count <= fewDead || part <= most {
			return nil
		}
		most = part
		out = judgeLimit(part, g.limits.Dead, "%.0f %% of %s are dead rows (%s): VACUUM %[2]s", 100*part, table, size.FormatCount(count))
		out.Level = min(out.Level, Slow)
		return nil
	})
	return out, err
}}
