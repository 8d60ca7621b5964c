package dbchecks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgstat"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

var slotKeepsWAL = &Check{Rule: rule.Rule{
	ID:       "slot-keeps-wal",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "A replication slot keeps more than 1 GB of WAL, or is about to lose what it needs",
	Harm: "The slot's reader lags that far. The WAL of a migration comes on top: pg_wal grows until the disk is full, or, " +
		"if max_slot_wal_keep_size bounds it, the slot is lost and its reader must start again.",
	Instead: "Wait until its reader has caught up, or find out what holds it back. preflight: in onward.yaml has `slot_wal`, how much a slot may keep.",
	Manual:  []string{"https://www.postgresql.org/docs/current/view-pg-replication-slots.html"},
}, Scope: onward.ScopeServer, Metric: "slot_kept_wal_bytes", Help: "Bytes of WAL that the server keeps for a slot.", Look: checkSlotRetention}

func checkSlotRetention(p *Pass) error {
	var s pgstat.Slot
	return p.Each(pgstat.SlotsSQL, nil, s.Columns(), func() {
		p.AddMeasure(s.Name, float64(s.Kept))
		way := "wait until its reader has caught up, and look at what holds it back"
		if !s.Active {
			way = "start what reads it; or, when that is gone for good:\nSELECT pg_drop_replication_slot(" + pgparse.QuoteLiteral(s.Name) + ");"
		}
		switch {
		case s.Status == "unreserved":
			p.AddFinding(onward.Error, s.Name, fmt.Sprintf("slot %s lags by %s, more than max_slot_wal_keep_size: it is lost at the next checkpoint", s.Name,
				size.FormatBytes(s.Kept)),
				"its reader cannot go on then, and has to begin anew", way)
		case s.Kept > p.Limits.SlotWAL:
			fact := fmt.Sprintf("slot %s keeps %s of WAL", s.Name, size.FormatBytes(s.Kept))
			if s.Safe >= 0 {
				fact += fmt.Sprintf(", and is lost after %s more", size.FormatBytes(s.Safe))
			}
			p.AddFinding(onward.Off, s.Name, fact, "the WAL of a migration comes on top: the disk fills, or the slot is lost", way)
		}
	})
}
