package throttle

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgstat"
	"github.com/onward-sql/onward/internal/size"
)

// Load says whether other sessions are at work beside a backfill.
type Load int

// The kinds of load.
const (
	UnknownLoad Load = iota // it was not read yet, or cannot be read
	NoLoad
	SomeLoad
)

const (
	// fewSessions is the mean number of busy sessions from which there is a load. A monitor that asks once in a second is none.
	fewSessions = 0.5
	// newestPart is the weight of the newest reading in that mean.
	newestPart = 0.3
)

// otherLoad is the work of other sessions, as read so far.
type otherLoad struct {
	kind Load
	mean float64 // the number of busy sessions
	// harmful: the load's queries take longer than at the beginning of the backfill, even between two batches.
	harmful bool
}

// OtherLoad returns the load that the last reading has found.
func (g *Gauge) OtherLoad() Load { return g.load.kind }

// SetHarm says whether the load's queries take longer than at the beginning of the backfill. If they do, the backfill's own dead rows count.
func (g *Gauge) SetHarm(harmful bool) { g.load.harmful = harmful }

// loadOfOthers reads how many other sessions are busy: they run a statement, or have just ended one. It never slows a backfill down itself.
// A session that the role may not see counts as busy.
var loadOfOthers = signal{name: "the load of other sessions", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	var busy float64
	err := conn.QueryRow(ctx, `SELECT (count(*) FILTER (WHERE backend_type = 'client backend' AND application_name NOT LIKE 'onward %'
			AND (state = 'active' OR state_change > clock_timestamp() - interval '200 ms'))
		+ count(*) FILTER (WHERE backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL))::float8
		FROM pg_stat_activity WHERE pid <> pg_backend_pid()`).Scan(&busy)
	if err != nil {
		g.load.kind = UnknownLoad
		return Verdict{}, err
	}
	if g.load.kind == UnknownLoad {
		g.load.mean = busy
	} else {
		g.load.mean += newestPart * (busy - g.load.mean)
	}
	g.load.kind = NoLoad
	if g.load.mean >= fewSessions {
		g.load.kind = SomeLoad
	}
	return Verdict{}, nil
}}

// activeSessions is how many sessions are running. The server does not say how many processors it has.
var activeSessions = signal{name: "the number of sessions at work", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Active < 0 {
		return Verdict{}, nil
	}
	var count, most int
	err := conn.QueryRow(ctx, `SELECT count(*)::int, current_setting('max_connections')::int FROM pg_stat_activity
		WHERE state = 'active' AND backend_type = 'client backend' AND application_name NOT LIKE 'onward %' AND pid <> pg_backend_pid()`).Scan(&count, &most)
	if err != nil {
		return Verdict{}, err
	}
	limit := g.limits.Active
	if limit == 0 {
		limit = most / 2
	}
	return judgeLimit(float64(count), float64(limit), "%d sessions are at work", count), nil
}}

// archiveBacklog is how many WAL segments wait for the archiver.
var archiveBacklog = signal{name: "the archiver's backlog", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Archive < 0 {
		return Verdict{}, nil
	}
	var isArchiving bool
	if err := conn.QueryRow(ctx, "SELECT current_setting('archive_mode') <> 'off'").Scan(&isArchiving); err != nil || !isArchiving {
		return Verdict{}, err
	}
	var b pgstat.Backlog
	if err := conn.QueryRow(ctx, pgstat.BacklogSQL).Scan(b.Columns()...); err != nil {
		return Verdict{}, err
	}
	return judgeLimit(float64(b.Waiting), float64(g.limits.Archive), "%d segments of WAL wait for the archiver", b.Waiting), nil
}}

// walMark is a position of the server's WAL, with its time.
type walMark struct {
	bytes float64
	at    time.Time
}

// walRate is how much WAL the server writes between two readings.
var walRate = signal{name: "the rate of WAL", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.WALRate <= 0 {
		return Verdict{}, nil
	}
	now := walMark{at: time.Now()}
	if err := conn.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8").Scan(&now.bytes); err != nil {
		return Verdict{}, err
	}
	last := g.wal
	g.wal = now
	past := now.at.Sub(last.at).Seconds()
	if last.at.IsZero() || past <= 0 {
		return Verdict{}, nil
	}
	rate := (now.bytes - last.bytes) / past
	return judgeLimit(rate, float64(g.limits.WALRate), "the server writes %s of WAL in a second", size.FormatBytes(int64(rate))), nil
}}

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
	rows, _ := conn.Query(ctx, `SELECT t.name, pg_catalog.pg_stat_get_dead_tuples(c.oid), pg_catalog.pg_stat_get_live_tuples(c.oid)
		FROM unnest($1::text[]) AS t (name) JOIN pg_catalog.pg_namespace AS n ON pg_catalog.starts_with(t.name, n.nspname || '.')
			JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = substr(t.name, length(n.nspname) + 2)::name`, g.tables)
	var out Verdict
	var table string
	var dead, live int64
	most := 0.0
	_, err := pgx.ForEachRow(rows, []any{&table, &dead, &live}, func() error {
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
	rows, _ := conn.Query(ctx, `SELECT 'process ' || pid, extract(epoch FROM clock_timestamp() - xact_start)::float8 FROM pg_stat_activity
		WHERE backend_xmin IS NOT NULL AND xact_start IS NOT NULL AND backend_type <> 'walsender' AND datname = current_database()
		UNION ALL SELECT 'the prepared transaction ' || quote_literal(gid), extract(epoch FROM clock_timestamp() - prepared)::float8 FROM pg_prepared_xacts WHERE database = current_database()
		ORDER BY 2 DESC LIMIT 1`)
	var out Verdict
	var holder string
	var age float64
	_, err := pgx.ForEachRow(rows, []any{&holder, &age}, func() error {
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
