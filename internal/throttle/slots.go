package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/dbchecks"
	"github.com/onward-sql/onward/internal/size"
)

// slotWAL is how much WAL the replication slots retain. A slot that is lost already does not count.
var slotWAL = signal{name: "the WAL of the slots", need: true, look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.SlotWAL < 0 {
		return Verdict{}, nil
	}
	rows, err := conn.Query(ctx, dbchecks.KeepingSQL)
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	var name, status string
	var active bool
	var safe, kept int64
	_, err = pgx.ForEachRow(rows, []any{&name, &active, &status, &safe, &kept}, func() error {
		switch status {
		case "lost":
			return nil
		case "unreserved":
			out = worseVerdict(out, Verdict{Level: Stop, Why: "slot " + name + " is lost at the next checkpoint: it keeps more than max_slot_wal_keep_size"})
		}
		out = worseVerdict(out, judgeLimit(float64(kept), float64(g.limits.SlotWAL), "slot %s keeps %s of WAL", name, size.FormatBytes(kept)))
		return nil
	})
	return out, err
}}
