package throttle

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/dbchecks"
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
	rows, err := conn.Query(ctx, dbchecks.ReplicasSQL)
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	var name, state, mode string
	var late float64
	var behind int64
	hidden := false
	_, err = pgx.ForEachRow(rows, []any{&name, &state, &mode, &late, &behind}, func() error {
		switch {
		case state == "":
			hidden = true
			return nil
		case behind < 0:
			return nil // it receives WAL, and replays none: an archive
		}
		out = worseVerdict(out, judgeLimit(late, g.limits.Lag.Seconds(), "replica %s lags by %s", name, secondsToDuration(late).Round(100*time.Millisecond)))
		out = worseVerdict(out, judgeLimit(float64(behind), float64(g.limits.SlotWAL), "replica %s has %s of WAL to replay", name, size.FormatBytes(behind)))
		return nil
	})
	if err == nil && hidden && len(g.standbys) == 0 { // the standbys that the user named are asked directly
		err = errHidden
	}
	return out, err
}}
