// Package queue looks at lock queues: which sessions would block a statement before it is sent,
// and which wait for one that was sent.
package queue

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// Conn is a connection to query.
type Conn interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// WantedLock is a lock that a statement is about to take.
type WantedLock struct {
	// Relation is schema-qualified and unquoted, as in [onward.Effect].
	Relation string
	Lock     onward.Lock
}

// Blocker is a session that would block others.
type Blocker struct {
	PID      int
	User     string
	App      string
	Relation string
	Lock     onward.Lock
	// Age is the age of its transaction.
	Age time.Duration
	// State is the state in pg_stat_activity: "active", "idle in transaction".
	State string
	// Asks: it does not hold the lock but waits for it itself.
	Asks bool
	// Vacuum is "autovacuum" or "autovacuum against wraparound" for an autovacuum worker.
	Vacuum string
	// Prepared is the name of the prepared transaction that holds the lock, which has no session.
	Prepared string
	// Server names its server if the statement runs on another one: "the standby db2:5432".
	Server string
}

// String describes it: "process 812 (reports, psql), idle in transaction, for 3m2s: holds …".
func (h *Blocker) String() string {
	verb := "holds"
	if h.Asks {
		verb = "waits for"
	}
	return fmt.Sprintf("%s: %s %s on %s", h.DescribeTransaction(), verb, h.Lock.Words(), h.Relation)
}

// DescribeTransaction describes it without its lock: "process 812 (reports, psql), idle in transaction, for 3m2s".
func (h *Blocker) DescribeTransaction() string {
	holder := fmt.Sprintf("process %d (%s)", h.PID, strings.Join(slices.DeleteFunc([]string{h.User, h.App}, func(s string) bool { return s == "" }), ", "))
	if h.State == "" {
		holder = fmt.Sprintf("process %d, whose session this role may not see (pg_monitor may)", h.PID)
	}
	if h.Prepared != "" {
		holder = fmt.Sprintf("the prepared transaction %q", h.Prepared)
	}
	if h.Vacuum != "" {
		holder = fmt.Sprintf("process %d, %s", h.PID, h.Vacuum)
	}
	if h.State == "idle in transaction" || h.State == "idle in transaction (aborted)" {
		holder += ", " + h.State
	}
	if h.Server != "" {
		holder += " on " + h.Server
	}
	return fmt.Sprintf("%s, for %s", holder, RoundDuration(h.Age))
}

// RoundDuration rounds a duration for people.
func RoundDuration(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// LockQueue is the lock queue that a statement is about to join.
type LockQueue struct {
	// Wanted are the locks that the statement takes.
	Wanted []WantedLock
	// Age is how old a transaction must be to count: younger ones usually end by themselves.
	Age time.Duration
	// Yields: autovacuum gives way to the statement. It does so for a session that waits longer
	// than deadlock_timeout, unless it prevents the wraparound of transaction IDs.
	Yields bool
	// seen are sessions whose age the role may not see, with the time when they were first seen.
	seen map[string]time.Time
}

// InTheWay returns the transactions older than Age that hold or wait for a lock which conflicts
// with a wanted one on the relation, its partitions or its child tables.
func (l *LockQueue) InTheWay(ctx context.Context, conn Conn) ([]Blocker, error) {
	first := l.seen == nil
	list, err := l.queryBlockers(ctx, conn)
	if err != nil || !first || len(l.seen) == 0 {
		return list, err
	}
	// The age of some is hidden. Those that are still there after a pause are old enough.
	if err := Pause(ctx, l.Age); err != nil {
		return nil, err
	}
	return l.queryBlockers(ctx, conn)
}

// queryBlockers queries the server once.
func (l *LockQueue) queryBlockers(ctx context.Context, conn Conn) ([]Blocker, error) {
	var names, modes []string
	for _, w := range l.Wanted {
		for lockMode := onward.AccessShareLock; lockMode <= onward.AccessExclusiveLock; lockMode++ {
			if lockMode.Conflicts(w.Lock) {
				names, modes = append(names, w.Relation), append(modes, lockMode.String())
			}
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	rows, err := conn.Query(ctx, inTheWay, names, modes, l.Yields)
	if err != nil {
		return nil, fmt.Errorf("ask who holds locks: %w", err)
	}
	now, seen := time.Now(), map[string]time.Time{}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Blocker, error) {
		var h Blocker
		var mode, transaction string
		var seconds *float64
		if err := row.Scan(&h.PID, &transaction, &h.User, &h.App, &h.Relation, &mode, &seconds, &h.State, &h.Asks, &h.Vacuum, &h.Prepared); err != nil {
			return h, err
		}
		if seconds != nil {
			h.Age = time.Duration(*seconds * float64(time.Second))
		} else {
			if first, ok := l.seen[transaction]; ok {
				seen[transaction] = first
			} else {
				seen[transaction] = now
			}
			h.Age = now.Sub(seen[transaction])
		}
		return h, h.Lock.UnmarshalText([]byte(mode))
	})
	l.seen = seen
	return slices.DeleteFunc(all, func(h Blocker) bool { return h.Age < l.Age }), err
}

const inTheWay = `
WITH RECURSIVE wanted AS (
	SELECT c.oid, n.nspname || '.' || c.relname AS name, w.mode
	FROM unnest($1::text[], $2::text[]) AS w (name, mode)
	JOIN pg_catalog.pg_namespace AS n ON starts_with(w.name, n.nspname || '.')
	JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND w.name = n.nspname || '.' || c.relname
), family AS (
	SELECT oid, name, mode FROM wanted
	UNION
	SELECT i.inhrelid, f.name, f.mode FROM family AS f JOIN pg_catalog.pg_inherits AS i ON i.inhparent = f.oid
), held AS (
	SELECT l.pid, l.virtualtransaction, f.name, l.mode, NOT l.granted AS asks
	FROM family AS f JOIN pg_catalog.pg_locks AS l ON l.locktype = 'relation' AND l.relation = f.oid AND l.mode = f.mode
		AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
)
SELECT DISTINCT ON (virtualtransaction) *
FROM (
	SELECT coalesce(h.pid, 0), h.virtualtransaction, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), h.name, h.mode,
		extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8, coalesce(a.state, ''),
		h.asks, CASE WHEN a.backend_type <> 'autovacuum worker' THEN '' WHEN a.query LIKE '%(to prevent wraparound)' THEN 'autovacuum against wraparound' ELSE coalesce(substr(a.backend_type, 1, 10), '') END, coalesce(p.gid, '')
	FROM held AS h LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = h.pid
	-- A prepared transaction has no process; what it and its locks have in common is the lock on its own number.
	LEFT JOIN pg_catalog.pg_locks AS own ON h.pid IS NULL AND own.pid IS NULL AND own.locktype = 'transactionid' AND own.virtualtransaction = h.virtualtransaction
	LEFT JOIN pg_catalog.pg_prepared_xacts AS p ON p.transaction = own.transactionid
	WHERE h.pid IS DISTINCT FROM pg_backend_pid()
		-- On a standby nobody can take this but the replay, for a transaction of the primary: of that the primary tells.
		AND NOT (h.mode = 'AccessExclusiveLock' AND pg_catalog.pg_is_in_recovery())
		AND NOT ($3 AND a.backend_type IS NOT DISTINCT FROM 'autovacuum worker' AND a.query NOT LIKE '%(to prevent wraparound)')
) AS who (pid, virtualtransaction, usr, app, name, mode, age, state, asks, vacuum, prepared)
ORDER BY virtualtransaction, asks`

// ReadWaiters returns how many sessions wait for a process, directly or through another waiter, and
// for how long the first of them has waited.
func ReadWaiters(ctx context.Context, conn Conn, pid int) (Waiters, error) {
	rows, err := conn.Query(ctx, `
		WITH RECURSIVE waits AS (
			SELECT l.pid, pg_catalog.pg_blocking_pids(l.pid) AS by, coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start) AS since -- waitstart is from 14 on
			FROM pg_catalog.pg_locks AS l JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid WHERE NOT l.granted
		), behind AS (
			SELECT pid, since FROM waits WHERE $1 = ANY (by)
			UNION SELECT w.pid, w.since FROM waits AS w JOIN behind AS b ON b.pid = ANY (w.by)
		)
		SELECT count(*)::int, coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8 FROM behind WHERE pid <> $1`, pid)
	if err != nil {
		return Waiters{}, fmt.Errorf("ask who waits: %w", err)
	}
	var out Waiters
	var seconds float64
	_, err = pgx.ForEachRow(rows, []any{&out.Count, &seconds}, func() error { return nil })
	out.Longest = time.Duration(seconds * float64(time.Second))
	return out, err
}

// Limits of how onward queues for locks, for its own statements and for those that it guards.
const (
	// FirstStall is the lock_timeout of the first attempts. Others wait that long at most if a new blocker
	// appears after the check of the queue.
	FirstStall = 50 * time.Millisecond
	// MaxStall is the default for the largest lock_timeout, and Within for how long a step is retried.
	MaxStall = 500 * time.Millisecond
	Within   = 10 * time.Minute
	// OldEnough is the age from which a transaction is waited for. Younger ones usually end within the
	// lock_timeout.
	OldEnough = 50 * time.Millisecond
	// BlockerPollInterval is the interval between two checks for blockers, WaiterPollInterval between two checks for waiters.
	BlockerPollInterval = 20 * time.Millisecond
	WaiterPollInterval  = 100 * time.Millisecond
	// Drain limits each wait of a concurrent build or drop (CREATE INDEX CONCURRENTLY). Nobody waits for it
	// meanwhile, and a short lock_timeout would leave an invalid index each time.
	Drain = 10 * time.Minute
)

// The queue of a statement is too long from these values.
const (
	maxWaiters = 20
	maxWait    = time.Second
)

// Waiters describes the sessions that wait for another one.
type Waiters struct {
	Count int
	// Longest is how long the first of them has waited.
	Longest time.Duration
}

// TooLong reports whether the session must be ended because of them.
func (t Waiters) TooLong() bool { return t.Count > maxWaiters || t.Longest > maxWait }

// String says why a session was ended.
func (t Waiters) String() string {
	sessions := "1 session"
	if t.Count != 1 {
		sessions = fmt.Sprintf("%d sessions", t.Count)
	}
	return fmt.Sprintf("%s waited for it, the first for %s, and it was ended", sessions, RoundDuration(t.Longest))
}

// Backoff is the wait after a number of lost lock races: five times as long as others may have waited, so
// that their queue has drained, plus a random part that doubles.
func Backoff(stall time.Duration, lost int) time.Duration {
	return 5*stall + rand.N(min(10*time.Second, 250*time.Millisecond<<min(lost, 6)))
}

// DescribeBlockers describe the first three holders.
func DescribeBlockers(list []Blocker) []string {
	var out []string
	for i := range list {
		out = append(out, list[i].String())
	}
	return prose.FirstLines(out, 3)
}

// BlockerReporter limits how often blockers are reported: the same ones once, however old they become, and others
// once a second. The zero value is ready to use.
type BlockerReporter struct {
	who string
	at  time.Time
}

// ShouldReport reports whether these blockers should be reported now.
func (t *BlockerReporter) ShouldReport(list []Blocker) bool {
	blockerKey := ""
	for i := range list {
		blockerKey += fmt.Sprint(list[i].PID, list[i].Prepared, list[i].Server, " ")
	}
	if blockerKey == t.who || time.Since(t.at) < time.Second {
		return false
	}
	t.who, t.at = blockerKey, time.Now()
	return true
}

// Pause waits, or returns the context's error when it ends.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
