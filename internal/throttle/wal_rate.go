package throttle

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/size"
)

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
