package queue

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Snapshot is a transaction of this database with a snapshot.
type Snapshot struct {
	Blocker
	// Transaction identifies it. XMin is the oldest transaction that its snapshot does not see as ended.
	Transaction, XMin string
	// Copies: it is the first copy of a table for a subscriber.
	Copies bool
	// later: its statement is not its first one.
	later bool
}

// DescribeState describes it with its state: "process 812 (reports, pg_dump), active, for 3m2s".
func (s *Snapshot) DescribeState() string {
	words := s.DescribeTransaction()
	if s.State != "active" {
		return words
	}
	age := strings.LastIndex(words, ", for ")
	return words[:age] + ", active" + words[age:]
}

// ReadSnapshots returns the transactions of this database with a snapshot. last is a transaction ID: newer snapshots do not count; "" counts all.
// standby: the server is a standby.
func ReadSnapshots(ctx context.Context, conn Conn, last string, standby bool) ([]Snapshot, error) {
	rows, err := conn.Query(ctx, snapshots, last, standby)
	if err != nil {
		return nil, fmt.Errorf("ask who has an old snapshot: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h Snapshot, err error) {
		var seconds float64
		err = row.Scan(&h.PID, &h.User, &h.App, &h.State, &seconds, &h.Prepared, &h.Transaction, &h.XMin, &h.Copies, &h.later)
		h.Age = time.Duration(seconds * float64(time.Second))
		return h, err
	})
}

// snapshots selects the transactions of this database whose snapshot may be older than the transaction ID $1. Maintenance that reads no rows for anybody
// does not count: autovacuum, VACUUM, CLUSTER, REPACK and CREATE INDEX CONCURRENTLY. A prepared transaction keeps the snapshots of others old. The type
// of a session is hidden from a role without pg_read_all_stats. $2: the server is a standby.
const snapshots = `SELECT a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
		coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8, '', coalesce(l.virtualtransaction, a.pid::text), a.backend_xmin::text,
		coalesce(a.backend_type = 'walsender', false), coalesce(a.query_start > a.xact_start + interval '1 second', false)
	FROM pg_catalog.pg_stat_activity AS a
	LEFT JOIN pg_catalog.pg_locks AS l ON l.pid = a.pid AND l.locktype = 'virtualxid' AND l.virtualxid = l.virtualtransaction AND l.granted
	WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL
		AND coalesce(a.backend_type, 'client backend') IN ('client backend', 'parallel worker', 'walsender')
		AND a.backend_xmin IS NOT NULL AND ($1 = '' OR pg_catalog.age(a.backend_xmin) >= pg_catalog.age(nullif($1, '')::xid))
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum AS v WHERE v.pid = a.pid)
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_cluster AS c WHERE c.pid = a.pid)
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS i WHERE i.pid = a.pid AND i.command LIKE '% CONCURRENTLY')
	UNION ALL SELECT 0, owner::text, '', 'prepared', extract(epoch FROM clock_timestamp() - prepared)::float8, gid, gid, transaction::text, false, false
	FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() AND NOT $2
		AND ($1 = '' OR pg_catalog.age(transaction) >= pg_catalog.age(nullif($1, '')::xid))
	ORDER BY 5 DESC`

// SnapshotWatch finds transactions that keep their snapshot from one statement to the next: REPEATABLE READ, SERIALIZABLE and dumps. The server shows
// the level of no session. One that is idle with a snapshot keeps it. One that is active may be a query of READ COMMITTED: it counts if it was there
// at the first look, or if it is no first statement, until it has ended or has another snapshot. The zero value is ready to use.
type SnapshotWatch struct {
	seen map[string]seenSnapshot
}

type seenSnapshot struct {
	xmin  string
	first bool // since the first look
}

// Find returns these transactions.
func (w *SnapshotWatch) Find(ctx context.Context, conn Conn, standby bool) ([]Snapshot, error) {
	first := w.seen == nil
	list, err := w.readKeptSnapshots(ctx, conn, standby)
	if err != nil || !first || !slices.ContainsFunc(list, func(s Snapshot) bool { return !s.isIdle() }) {
		return list, err
	}
	// Most of the active ones are over after a pause.
	if err := Pause(ctx, OldEnough); err != nil {
		return nil, err
	}
	return w.readKeptSnapshots(ctx, conn, standby)
}

func (s *Snapshot) isIdle() bool { return strings.HasPrefix(s.State, "idle in transaction") }

// readKeptSnapshots reads the snapshots once, and returns those that their transactions keep.
func (w *SnapshotWatch) readKeptSnapshots(ctx context.Context, conn Conn, standby bool) ([]Snapshot, error) {
	all, err := ReadSnapshots(ctx, conn, "", standby)
	if err != nil {
		return nil, err
	}
	before, now := w.seen, map[string]seenSnapshot{}
	all = slices.DeleteFunc(all, func(s Snapshot) bool {
		if s.Prepared != "" {
			return true // it reads nothing any more
		}
		known, ok := before[s.Transaction]
		ok = ok && known.xmin == s.XMin
		current := seenSnapshot{xmin: s.XMin, first: before == nil || ok && known.first}
		now[s.Transaction] = current
		return !s.isIdle() && !current.first && !(ok && s.later)
	})
	w.seen = now
	return all, nil
}
