package throttle

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgstat"
	"github.com/onward-sql/onward/internal/size"
)

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
