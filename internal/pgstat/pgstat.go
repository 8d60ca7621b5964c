// Package pgstat has the queries for replicas, replication slots and the archiver of a running server. A check before
// a migration asks them once, and a backfill asks them again and again.
package pgstat

// Replica is a row of ReplicasSQL.
type Replica struct {
	Name string
	// State is "" if the role may not see it. Mode is the sync_state.
	State, Mode string
	// Seconds and Bytes are the lag of its replay; Bytes is -1 if it replays nothing.
	Seconds float64
	Bytes   int64
}

// ReplicasSQL asks the primary for its replicas.
const ReplicasSQL = `
SELECT coalesce(nullif(application_name, ''), host(client_addr), 'process ' || pid), coalesce(state, ''), coalesce(sync_state, ''),
	coalesce(extract(epoch FROM replay_lag), 0)::float8, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), -1)::bigint
FROM pg_stat_replication WHERE coalesce(state, '') <> 'backup' ORDER BY 1`

// Columns returns the destinations of a row.
func (r *Replica) Columns() []any { return []any{&r.Name, &r.State, &r.Mode, &r.Seconds, &r.Bytes} }

// IsArchive reports whether the replica receives WAL and replays none.
func (r *Replica) IsArchive() bool { return r.Bytes < 0 }

// Slot is a row of SlotsSQL.
type Slot struct {
	Name   string
	Active bool
	// Status is the wal_status.
	Status string
	// Safe is how many bytes it may still keep, -1 for any number. Kept is how many it keeps.
	Safe, Kept int64
}

// SlotsSQL asks for the replication slots that keep WAL.
const SlotsSQL = `
SELECT slot_name::text, active, coalesce(wal_status, ''), coalesce(safe_wal_size, -1)::bigint,
	pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::bigint
FROM pg_replication_slots WHERE restart_lsn IS NOT NULL ORDER BY 1`

// Columns returns the destinations of a row.
func (s *Slot) Columns() []any { return []any{&s.Name, &s.Active, &s.Status, &s.Safe, &s.Kept} }

// Backlog is the row of BacklogSQL: how many segments wait for the archiver, and for how many seconds the oldest does.
type Backlog struct {
	Waiting int
	Oldest  float64
}

// BacklogSQL asks for the segments that wait for the archiver.
const BacklogSQL = `SELECT count(*)::int, coalesce(extract(epoch FROM clock_timestamp() - min(modification)), 0)::float8
	FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'`

// Columns returns the destinations of the row.
func (b *Backlog) Columns() []any { return []any{&b.Waiting, &b.Oldest} }

// MaxBacklog is how many segments may wait for the archiver: a third of a usual max_wal_size.
const MaxBacklog = 42
