package dbchecks

import (
	"fmt"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

var slotKeepsWAL = &Check{Rule: rule.Rule{
	ID:       "slot-keeps-wal",
	Category: onward.Configuration, Severity: onward.Warning, Preset: onward.Recommended,
	Summary: "A replication slot keeps more than 1 GB of WAL, or is about to lose what it needs",
	Harm: "The slot's reader lags that far. The WAL of a migration comes on top: pg_wal grows until the disk is full, or, " +
		"if max_slot_wal_keep_size bounds it, the slot is lost and its reader must start again.",
	Instead: "Wait until its reader has caught up, or find out what holds it back. preflight: in onward.yaml has `slot_wal`, how much a slot may keep.",
	Manual:  []string{"https://www.postgresql.org/docs/current/view-pg-replication-slots.html"},
}, Scope: onward.ScopeServer, Metric: "slot_kept_wal_bytes", Help: "Bytes of WAL that the server keeps for a slot.", Look: keepingSlots}

// KeepingSQL asks for each slot's name, whether it is read, its wal_status, and the bytes that it may still keep (-1:
// any number) and keeps.
const KeepingSQL = `
SELECT slot_name::text, active, coalesce(wal_status, ''), coalesce(safe_wal_size, -1)::bigint,
	pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::bigint
FROM pg_replication_slots WHERE restart_lsn IS NOT NULL ORDER BY 1`

func keepingSlots(p *Pass) error {
	var name, status string
	var active bool
	var safe, kept int64
	return p.Each(KeepingSQL, nil, []any{&name, &active, &status, &safe, &kept}, func() {
		p.AddMeasure(name, float64(kept))
		way := "wait until its reader has caught up, and look at what holds it back"
		if !active {
			way = "start what reads it; or, when that is gone for good:\nSELECT pg_drop_replication_slot(" + pgparse.QuoteLiteral(name) + ");"
		}
		switch {
		case status == "unreserved":
			p.AddFinding(onward.Error, name, fmt.Sprintf("slot %s lags by %s, more than max_slot_wal_keep_size: it is lost at the next checkpoint", name,
				size.FormatBytes(kept)),
				"its reader cannot go on then, and has to begin anew", way)
		case kept > p.Limits.SlotWAL:
			fact := fmt.Sprintf("slot %s keeps %s of WAL", name, size.FormatBytes(kept))
			if safe >= 0 {
				fact += fmt.Sprintf(", and is lost after %s more", size.FormatBytes(safe))
			}
			p.AddFinding(onward.Off, name, fact, "the WAL of a migration comes on top: the disk fills, or the slot is lost", way)
		}
	})
}
