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

var replicaLagging = &Check{Rule: rule.Rule{
	ID:       "replica-lagging",
	Category: onward.Locking, Severity: onward.Warning,
	Summary: "A replica lags, or no synchronous one is connected",
	Harm: "A migration that rewrites, builds or fills writes as much WAL as the table or index has, and a replica that lags already lags more: " +
		"reads from it are old, and it cannot replace the primary. Without a synchronous standby every COMMIT waits, " +
		"and with it every lock that a migration holds; that is an error.",
	Instead: "Wait until it has caught up; look for a long query there that holds the replay back (hot_standby_feedback, max_standby_streaming_delay), " +
		"a slow disk or network.",
	Manual: []string{"https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW"},
}, Scope: onward.ScopeServer, Metric: "replica_replay_bytes_behind", Help: "Bytes of WAL that a replica has not replayed.", Look: checkReplicas}

func checkReplicas(p *Pass) error {
	if p.recovery {
		return nil
	}
	if !p.stats {
		p.AddOpaque("how far the replicas lag", explainMissingRight(p, "pg_stat_replication"))
		return nil
	}
	var r pgstat.Replica
	synchronous := 0
	err := p.Each(pgstat.ReplicasSQL, nil, r.Columns(), func() {
		if r.Mode == "sync" || r.Mode == "quorum" {
			synchronous++
		}
		if r.IsArchive() {
			return
		}
		p.AddMeasure(r.Name, float64(r.Bytes))
		if late := secondsToDuration(r.Seconds); late > p.Limits.ReplicaLag || r.Bytes > p.Limits.SlotWAL {
			p.AddFinding(onward.Off, r.Name, fmt.Sprintf("replica %s (%s) lags: %s of WAL are not replayed, by its last reply of %s", r.Name, r.State,
				size.FormatBytes(r.Bytes), formatAge(late)),
				"the WAL of a migration increases the lag, and reads from it get old rows", "wait until it has caught up, and look for a long query on it that holds "+
					"the replay back")
		}
	})
	if wanted := p.settings["synchronous_standby_names"]; err == nil && wanted != "" && synchronous == 0 {
		p.AddFinding(onward.Error, "", "synchronous_standby_names asks for a synchronous standby, and none is there",
			"every COMMIT waits for one, with all locks held", "bring one back, or take the setting back:\nALTER SYSTEM SET synchronous_standby_names = '';")
	}
	return err
}

var publicationSendsTable = &Check{Rule: rule.Rule{
	ID:       "publication-sends-table",
	Category: onward.Compatibility, Severity: onward.Warning,
	Summary: "A table that the release touches is replicated by name: it is in a publication, or a subscription writes it",
	Harm: "Logical replication sends rows, and no change of the schema. A subscriber that lacks a new column stops at the first row that has it, " +
		"one that has a column dropped under it stops, too, and its slot keeps WAL until somebody comes. " +
		"A table that a subscription writes gets rows that new constraints here refuse.",
	Instead: "Add columns on the subscriber first, and drop them there last; a new table needs ALTER SUBSCRIPTION … REFRESH PUBLICATION. " +
		"If the touched tables are not known, publications are a note.",
	Manual: []string{"https://www.postgresql.org/docs/current/logical-replication-restrictions.html"},
}, Scope: onward.ScopeTouched, Look: checkPublications}

const publicationsSQL = `
SELECT t.pubname::text, array_agg(t.schemaname || '.' || t.tablename ORDER BY 1),
	ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database() ORDER BY 1)
FROM pg_publication_tables t WHERE $1::text[] IS NULL OR t.schemaname || '.' || t.tablename = ANY($1::text[]) GROUP BY 1 ORDER BY 1`

const subscriptionsSQL = `
SELECT s.subname::text, array_agg(n.nspname || '.' || c.relname ORDER BY 1)
FROM pg_subscription s JOIN pg_subscription_rel r ON r.srsubid = s.oid JOIN pg_class c ON c.oid = r.srrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND ($1::text[] IS NULL OR n.nspname || '.' || c.relname = ANY($1::text[]))
GROUP BY 1 ORDER BY 1`

func checkPublications(p *Pass) error {
	severity, clause := onward.Off, ", which the release touches"
	if p.Touched == nil {
		severity, clause = onward.Info, ""
	}
	var name string
	var list, slots []string
	err := p.Each(publicationsSQL, []any{p.Touched}, []any{&name, &list, &slots}, func() {
		fact := "publication " + name + " sends " + listNames(formatTables(list)) + clause
		if len(slots) > 0 {
			fact += "; logical slots of the database: " + listNames(slots)
		}
		p.AddFinding(severity, name, fact, "no change of the schema is sent: a subscriber stops at the first row that does not fit, and its slot keeps WAL",
			"add columns on the subscriber first, and drop them there last")
	})
	if err != nil {
		return err
	}
	return p.Each(subscriptionsSQL, []any{p.Touched}, []any{&name, &list}, func() {
		p.AddFinding(severity, name, "subscription "+name+" writes "+listNames(formatTables(list))+
			clause, "rows arrive as the publisher has them: a new constraint or a dropped column here stops it",
			"change the publisher's rows and columns first; ALTER SUBSCRIPTION "+quoteName(name)+" DISABLE stops it for the time of the migration")
	})
}
