package throttle

import (
	"context"
	"errors"
	"time"

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
