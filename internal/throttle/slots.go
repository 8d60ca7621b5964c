package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgstat"
	"github.com/onward-sql/onward/internal/size"
)

// slotWAL is how much WAL the replication slots retain. A slot that is lost already does not count.
var slotWAL = signal{name: "the WAL of the slots", need: true, look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.SlotWAL < 0 {
		return Verdict{}, nil
	}
	rows, err := conn.Query(ctx, pgstat.SlotsSQL)
	if err != nil {
		return Verdict{}, err
	}
	var out Verdict
	var s pgstat.Slot
	_, err = pgx.ForEachRow(rows, s.Columns(), func() error {
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
