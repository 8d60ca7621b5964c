package throttle

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/size"
)

// Standby is a server that replays the primary's WAL, and is asked itself how far it is: the primary does not know one
// that replays behind another standby or out of an archive.
type Standby interface {
	// Name is how messages call it.
	Name() string
	// Replayed is how far it has replayed, in bytes from the WAL's beginning.
	Replayed(ctx context.Context) (int64, error)
}

// walMoment says how far the WAL was at a time of ours.
type walMoment struct {
	at time.Time
	is int64
}

// mostMoments bounds the list of them: half of it goes when it is full.
const mostMoments = 1000

// standbys is how far behind those are that the user has named. What a standby says of its time is by two clocks, and the age of what it
// replayed last is long on a primary where nobody writes. So the time is by our clock: since when the WAL was there
// that it has not replayed.
var standbys = signal{name: "how far the standbys have replayed", need: true, look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Lag < 0 || len(g.standbys) == 0 {
		return Verdict{}, nil
	}
	now := walMoment{at: time.Now()}
	if err := conn.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").Scan(&now.is); err != nil {
		return Verdict{}, err
	}
	g.moments = append(g.moments, now)
	if len(g.moments) > mostMoments {
		g.moments = append(g.moments[:1:1], g.moments[mostMoments/2:]...) // the oldest stays: nobody is late by less than it says
	}
	out, oldest := Verdict{}, len(g.moments)-1
	for _, s := range g.standbys {
		is, err := s.Replayed(ctx)
		if err != nil {
			return Verdict{}, fmt.Errorf("%s: %w", s.Name(), err)
		}
		i := 0
		for i < len(g.moments)-1 && g.moments[i].is <= is {
			i++
		}
		oldest = min(oldest, i)
		late := now.at.Sub(g.moments[i].at)
		out = worse(out, over(late.Seconds(), g.limits.Lag.Seconds(), "the standby %s is %s behind", s.Name(), late.Round(100*time.Millisecond)))
		out = worse(out, over(float64(now.is-is), float64(g.limits.SlotWAL), "the standby %s has %s of WAL to replay", s.Name(), size.Bytes(max(0, now.is-is))))
	}
	g.moments = g.moments[oldest:]
	return out, nil
}}
