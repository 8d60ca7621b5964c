package throttle

import (
	"context"
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
