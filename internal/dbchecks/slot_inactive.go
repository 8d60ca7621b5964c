package dbchecks

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

var slotInactive = &Check{Rule: rule.Rule{
	ID:       "slot-inactive",
	Category: onward.Configuration, Severity: onward.Warning,
	Summary: "Nobody reads a replication slot",
	Harm: "The server keeps all WAL since the slot was last read, until somebody reads on or the disk is full; " +
		"a logical one also keeps vacuum from the catalogs, a physical one with feedback from all tables. A migration's WAL brings the end nearer.",
	Instead: "Start what reads it, or drop it when that is gone for good; max_slot_wal_keep_size bounds what slots may keep.",
	Manual:  []string{"https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION-SLOTS"},
}, Scope: onward.ScopeServer, Look: checkInactiveSlots}

const inactiveSQL = `
SELECT slot_name::text, slot_type, coalesce(wal_status, ''), coalesce(database::text, '')
FROM pg_replication_slots WHERE NOT active AND NOT temporary ORDER BY 1`

func checkInactiveSlots(p *Pass) error {
	if p.recovery {
		return nil // those that are kept in step with the primary are never active
	}
	var name, kind, status, db string
	return p.Each(inactiveSQL, nil, []any{&name, &kind, &status, &db}, func() {
		slot := kind + " slot " + name
		if db != "" {
			slot += " (database " + db + ")"
		}
		drop := "start what reads it; or, when that is gone for good:\nSELECT pg_drop_replication_slot(" + pgparse.QuoteLiteral(name) + ");"
		if status == "lost" {
			p.AddFinding(onward.Off, name, slot+" is lost: the WAL that its reader needs is gone", "its reader cannot go on, and has to begin anew", drop)
			return
		}
		p.AddFinding(onward.Off, name, "nobody reads "+slot, "the server keeps all WAL for it until the disk is full, also the WAL of a migration", drop)
	})
}
