package throttle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/internal/pgstat"
	"github.com/onward-sql/onward/internal/size"
)

// Standby is a server that replays the primary's WAL, and reports its own progress. The primary does not know a cascading standby, or
// one that replays from an archive.
type Standby interface {
	// Name is its name in messages.
	Name() string
	// ReplayedBytes returns how far it has replayed, in bytes from the WAL's beginning.
	ReplayedBytes(ctx context.Context) (int64, error)
}

// walMoment is the position of the WAL at a time of the local clock.
type walMoment struct {
	at    time.Time
	bytes int64
}

// mostMoments limits the length of their list: a full list is halved.
const mostMoments = 1000

// standbys is the replay lag of the standbys that the user has named. The time that a standby reports depends on two clocks, and the age
// of its last replayed transaction grows on a primary without writes. So the local clock counts: the time since the primary has had WAL
// that the standby has not replayed.
var standbys = signal{name: "how far the standbys have replayed", need: true, look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Lag < 0 || len(g.standbys) == 0 {
		return Verdict{}, nil
	}
	now := walMoment{at: time.Now()}
	if err := conn.QueryRow(ctx, "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").Scan(&now.bytes); err != nil {
		return Verdict{}, err
	}
	g.moments = append(g.moments, now)
	if len(g.moments) > mostMoments {
		g.moments = append(g.moments[:1:1], g.moments[mostMoments/2:]...) // the oldest stays, so that no lag is underestimated
	}
	out, oldest := Verdict{}, len(g.moments)-1
	for _, s := range g.standbys {
		replayed, err := s.ReplayedBytes(ctx)
		if err != nil {
			return Verdict{}, fmt.Errorf("%s: %w", s.Name(), err)
		}
		i := 0
		for i < len(g.moments)-1 && g.moments[i].bytes <= replayed {
			i++
		}
		oldest = min(oldest, i)
		late := now.at.Sub(g.moments[i].at)
		out = worseVerdict(out, judgeLimit(late.Seconds(), g.limits.Lag.Seconds(), "the standby %s lags by %s", s.Name(), late.Round(100*time.Millisecond)))
		out = worseVerdict(out, judgeLimit(float64(now.bytes-replayed), float64(g.limits.SlotWAL), "the standby %s has %s of WAL to replay", s.Name(),
			size.FormatBytes(max(0, now.bytes-replayed))))
	}
	g.moments = g.moments[oldest:]
	return out, nil
}}

// errHidden says that the role may not see a value.
var errHidden = errors.New("the role may not see it (GRANT pg_monitor to it, or switch this limit off)")

// replicaLag is the replay lag of the replicas. The time alone does not show a replica whose replay has stopped:
// its last report counts until the next one.
var replicaLag = signal{name: "the lag of the replicas", need: true, look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Lag < 0 {
		return Verdict{}, nil
	}
	rows, err := conn.Query(ctx, pgstat.ReplicasSQL)
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	var r pgstat.Replica
	hidden := false
	_, err = pgx.ForEachRow(rows, r.Columns(), func() error {
		switch {
		case r.State == "":
			hidden = true
			return nil
		case r.IsArchive():
			return nil
		}
		lag := secondsToDuration(r.Seconds).Round(100 * time.Millisecond)
		out = worseVerdict(out, judgeLimit(r.Seconds, g.limits.Lag.Seconds(), "replica %s lags by %s", r.Name, lag))
		out = worseVerdict(out, judgeLimit(float64(r.Bytes), float64(g.limits.SlotWAL), "replica %s has %s of WAL to replay", r.Name, size.FormatBytes(r.Bytes)))
		return nil
	})
	if err == nil && hidden && len(g.standbys) == 0 { // the standbys that the user named are asked directly
		err = errHidden
	}
	return out, err
}}

// slotWAL is how much WAL the replication slots retain. A slot that is lost already does not count.
var slotWAL = signal{name: "the WAL of the slots", need: true, look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.SlotWAL < 0 {
		return Verdict{}, nil
	}
	rows, _ := conn.Query(ctx, pgstat.SlotsSQL)
	var out Verdict
	var s pgstat.Slot
	_, err := pgx.ForEachRow(rows, s.Columns(), func() error {
		switch s.Status {
		case "lost":
			return nil
		case "unreserved":
			out = worseVerdict(out, Verdict{Level: Stop, Why: "slot " + s.Name + " is lost at the next checkpoint: it keeps more than max_slot_wal_keep_size"})
		}
		out = worseVerdict(out, judgeLimit(float64(s.Kept), float64(g.limits.SlotWAL), "slot %s keeps %s of WAL", s.Name, size.FormatBytes(s.Kept)))
		return nil
	})
	return out, err
}}
