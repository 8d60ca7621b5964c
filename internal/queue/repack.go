package queue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// Limits of REPACK (CONCURRENTLY). It copies a table while others use it. At its end it waits for ACCESS EXCLUSIVE, and every query on the
// table waits for it. A short lock_timeout would lose the whole copy, and none would stop the queries without a limit.
const (
	// RepackStall is how long a query may wait for it: the statement is cancelled then. RepackPollInterval is the interval of the checks.
	RepackStall        = 900 * time.Millisecond
	RepackPollInterval = 50 * time.Millisecond
	// RepackLockTimeout is its lock_timeout: the server's own limit in case nobody watches. It also limits the wait at the beginning, for
	// transactions that have written: that wait blocks nobody and loses nothing.
	RepackLockTimeout = 30 * time.Second
	// RepackAttempts is how many copies are lost at most, and RepackPause the pause after the first.
	RepackAttempts = 3
	RepackPause    = 2 * time.Second
	// repackOld is the age from which a transaction would make it lose: one that holds a lock on the table, or one that has written.
	repackOld = time.Second
)

// RepackWait is what a REPACK (CONCURRENTLY) waits for, and who waits for it.
type RepackWait struct {
	// Waiters are the queries that wait for it. Maintenance and changes of the schema do not count: they wait for the whole copy.
	Waiters
	// AtEnd: it waits for the lock at its end. Blockers hold that lock.
	AtEnd    bool
	Blockers []Blocker
}

// TooLong reports whether the statement must be cancelled.
func (w *RepackWait) TooLong() bool { return w.Longest > RepackStall }

// String says why it was cancelled, and who held the table.
func (w *RepackWait) String() string {
	return w.Waiters.String() + w.DescribeLoss()
}

// DescribeLoss says what is lost, and who held the table.
func (w *RepackWait) DescribeLoss() string {
	text := ", so its copy of the table is lost"
	for i := range w.Blockers {
		text += "; " + w.Blockers[i].DescribeTransaction() + " used the table"
	}
	return text
}

// ReadRepackWait reads the wait of the REPACK (CONCURRENTLY) that a process runs.
func ReadRepackWait(ctx context.Context, conn Conn, pid int) (*RepackWait, error) {
	rows, err := conn.Query(ctx, `
		WITH RECURSIVE waits AS (
			SELECT l.pid, pg_catalog.pg_blocking_pids(l.pid) AS by, coalesce(l.waitstart, a.query_start) AS since, l.locktype, l.mode
			FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid WHERE NOT l.granted
		), behind AS (
			SELECT pid, since, locktype, mode FROM waits WHERE $1 = ANY (by)
			UNION SELECT w.pid, w.since, w.locktype, w.mode FROM waits AS w JOIN behind AS b ON b.pid = ANY (w.by)
		), queries AS (
			SELECT since FROM behind WHERE pid <> $1 AND locktype = 'relation' AND mode IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
		), final AS (
			SELECT unnest(by) AS pid FROM waits WHERE pid = $1 AND locktype = 'relation' AND mode = 'AccessExclusiveLock'
		)
		SELECT (SELECT count(*)::int FROM queries), (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8 FROM queries),
			f.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
			coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::float8
		FROM (SELECT 1) AS once LEFT JOIN final AS f ON true LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = f.pid ORDER BY 7 DESC`, pid)
	if err != nil {
		return nil, fmt.Errorf("ask who waits for REPACK: %w", err)
	}
	out := &RepackWait{}
	var longest, age float64
	var b Blocker
	var holder *int
	_, err = pgx.ForEachRow(rows, []any{&out.Count, &longest, &holder, &b.User, &b.App, &b.State, &age}, func() error {
		if out.AtEnd = holder != nil; out.AtEnd {
			b.PID, b.Age = *holder, time.Duration(age*float64(time.Second))
			out.Blockers = append(out.Blockers, b)
		}
		return nil
	})
	out.Longest = time.Duration(longest * float64(time.Second))
	return out, err
}

// RepackQueue finds who is in the way of a REPACK (CONCURRENTLY) that has not begun.
type RepackQueue struct {
	// Snapshots are transactions that would read no rows of the table afterwards, without an error.
	Snapshots SnapshotWatch
	locks     LockQueue
}

// NewRepackQueue returns the queue of a REPACK of a table: "public.orders".
func NewRepackQueue(table string) *RepackQueue {
	return &RepackQueue{locks: LockQueue{Wanted: []WantedLock{{table, onward.AccessExclusiveLock}}, Age: repackOld, Yields: true}}
}

// InTheWay describes the transactions because of which it would lose its copy, or wait without an end: users of the table, and transactions of any
// database that have written. ignored are processes that do not count.
func (q *RepackQueue) InTheWay(ctx context.Context, conn Conn, ignored map[int]bool) (words []string, err error) {
	holders, err := q.locks.InTheWay(ctx, conn)
	if err != nil {
		return nil, err
	}
	holders = slices.DeleteFunc(holders, func(h Blocker) bool { return ignored[h.PID] })
	writers, err := readOldWriters(ctx, conn)
	if err != nil {
		return nil, err
	}
	words = DescribeBlockers(holders)
	for i := range writers {
		w := &writers[i]
		if ignored[w.PID] || slices.ContainsFunc(holders, func(h Blocker) bool { return h.PID == w.PID && w.PID != 0 }) {
			continue
		}
		words = append(words, w.DescribeTransaction()+": it has written, and REPACK waits for its end")
	}
	return words, nil
}

// readOldWriters returns the transactions of all databases that have written and are old.
func readOldWriters(ctx context.Context, conn Conn) ([]Blocker, error) {
	rows, err := conn.Query(ctx, `
		SELECT a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
			extract(epoch FROM clock_timestamp() - a.xact_start)::float8, ''
		FROM pg_catalog.pg_stat_activity AS a WHERE a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid()
		UNION ALL SELECT 0, owner::text, '', 'prepared', extract(epoch FROM clock_timestamp() - prepared)::float8, gid FROM pg_catalog.pg_prepared_xacts
		ORDER BY 5 DESC`)
	if err != nil {
		return nil, fmt.Errorf("ask who has written: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h Blocker, err error) {
		var seconds *float64
		err = row.Scan(&h.PID, &h.User, &h.App, &h.State, &seconds, &h.Prepared)
		if seconds != nil { // of others it is hidden from a role without pg_read_all_stats, and they are not counted
			h.Age = time.Duration(*seconds * float64(time.Second))
		}
		return h, err
	})
	return slices.DeleteFunc(list, func(h Blocker) bool { return h.Age < repackOld }), err
}

// DescribeSnapshots says of transactions that they would read no rows of a table.
func DescribeSnapshots(list []Snapshot, table string) (words []string) {
	table = cmp.Or(strings.TrimPrefix(table, "public."), "the table")
	for i := range list {
		words = append(words, list[i].DescribeState()+": it would read no rows of "+table+" afterwards, without an error")
	}
	return words
}

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
