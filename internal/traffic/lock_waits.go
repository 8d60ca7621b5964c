package traffic

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

const (
	// glance is how often the watcher checks the durations of the sessions'
	// queries, which costs nothing. suspicious is the duration from which it asks
	// the server about a query.
	glance     = 8 * time.Millisecond
	suspicious = 8 * time.Millisecond
	// The longer a wait lasts, the less often the server is asked: at intervals
	// from finest to slowest.
	slowest = 100 * time.Millisecond
)

// listWaits lists the sessions that wait for a lock, what they wait for, and who
// blocks them. A wait for a row is a wait for the end of another transaction,
// while the session holds a tuple lock, which names the table. An index is
// reported as its table. Locks for extending a file are ignored, because they do
// not come from statements.
const listWaits = `
SELECT l.pid, CASE WHEN l.locktype = 'relation' THEN l.mode ELSE '' END, coalesce(n.nspname || '.' || t.relname, ''), pg_blocking_pids(l.pid)
FROM pg_locks l
LEFT JOIN pg_locks r ON l.relation IS NULL AND r.pid = l.pid AND r.locktype = 'tuple' AND r.granted
LEFT JOIN pg_index i ON i.indexrelid = coalesce(l.relation, r.relation)
LEFT JOIN pg_class t ON t.oid = coalesce(i.indrelid, l.relation, r.relation)
LEFT JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE NOT l.granted AND l.pid = ANY ($1) AND l.locktype NOT IN ('extend', 'frozenid')`

// watcher asks the server which of the load's sessions wait, once one of their
// queries has lasted suspiciously long.
type watcher struct {
	config  *pgx.ConnConfig
	conn    *pgx.Conn
	logger  *slog.Logger
	flights []*runningQuery
}

func (w *watcher) runWatcher(ctx context.Context) {
	defer func() { closeAndWait(w.conn.PgConn()) }()
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	var asked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			age := w.oldestDuration(now)
			if age < suspicious || now.Sub(asked) < min(max(age/20, finest-glance/2), slowest) {
				continue
			}
			asked = now
			if err := w.readWaits(ctx); err != nil && ctx.Err() == nil {
				w.logger.Debug("the watcher of the traffic", "error", err)
				w.reconnectIfClosed(ctx)
			}
		}
	}
}

// reconnectIfClosed replaces a connection that the server has closed.
func (w *watcher) reconnectIfClosed(ctx context.Context) {
	if !w.conn.IsClosed() {
		return
	}
	if conn, err := pgx.ConnectConfig(ctx, w.config); err == nil {
		closeAndWait(w.conn.PgConn())
		w.conn = conn
	}
}

// oldestDuration returns the duration of the longest running query.
func (w *watcher) oldestDuration(now time.Time) time.Duration {
	var age time.Duration
	for _, f := range w.flights {
		f.mu.Lock()
		if f.busy {
			age = max(age, now.Sub(f.from))
		}
		f.mu.Unlock()
	}
	return age
}

// runningSnapshot is a session with its running query at the time before the server was
// asked.
type runningSnapshot struct {
	flight *runningQuery
	serial uint64
}

// waitingSession is a waiting session, according to the server.
type waitingSession struct {
	wait Wait
	by   []uint32
}

func (w *watcher) readWaits(ctx context.Context) error {
	busy, ownPIDs := map[uint32]runningSnapshot{}, map[uint32]bool{}
	var pids []int32
	for _, f := range w.flights {
		f.mu.Lock()
		if f.busy {
			busy[f.pid] = runningSnapshot{f, f.serial}
			pids = append(pids, int32(f.pid))
		}
		if f.pid != 0 { // 0 means a prepared transaction
			ownPIDs[f.pid] = true
		}
		f.mu.Unlock()
	}
	rows, _ := w.conn.Query(ctx, listWaits, pids)
	waits := map[uint32]waitingSession{}
	var pid int32
	var mode, relation string
	var blockerPIDs []int32
	if _, err := pgx.ForEachRow(rows, []any{&pid, &mode, &relation, &blockerPIDs}, func() error {
		var lock onward.Lock
		if err := lock.UnmarshalText([]byte(mode)); err != nil {
			return err
		}
		found := waitingSession{wait: Wait{Relation: relation, Lock: lock}}
		for _, b := range blockerPIDs {
			found.by = append(found.by, uint32(b))
		}
		waits[uint32(pid)] = found
		return nil
	}); err != nil {
		return err
	}
	now := time.Now()
	for pid, found := range waits {
		if found.wait.By = rootBlockers(pid, waits, ownPIDs); len(found.wait.By) > 0 {
			busy[pid].addWait(found.wait, now)
		}
	}
	return nil
}

// rootBlockers returns the processes that ultimately block a session, none of them the
// load's own. If one of the load's sessions blocks another, its own blockers
// count. There are none if the load blocks itself.
func rootBlockers(pid uint32, waits map[uint32]waitingSession, ownPIDs map[uint32]bool) []uint32 {
	var out []uint32
	seen := map[uint32]bool{}
	var follow func(pid uint32)
	follow = func(pid uint32) {
		if seen[pid] {
			return
		}
		seen[pid] = true
		for _, blocker := range waits[pid].by {
			if ownPIDs[blocker] {
				follow(blocker)
			} else if !slices.Contains(out, blocker) {
				out = append(out, blocker)
			}
		}
	}
	follow(pid)
	slices.Sort(out)
	return out
}

// addWait records a wait of the query that was running when the server was asked, if
// it still is.
func (a runningSnapshot) addWait(wait Wait, now time.Time) {
	f := a.flight
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.busy || f.serial != a.serial {
		return
	}
	if n := len(f.waits); n > 0 && f.waits[n-1].Relation == wait.Relation && f.waits[n-1].Lock == wait.Lock {
		f.waits[n-1].Until, f.waits[n-1].By = now, wait.By
		return
	}
	if len(f.waits) < mostWaits {
		wait.From, wait.Until = now, now
		f.waits = append(f.waits, wait)
	}
}
