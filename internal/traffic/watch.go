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
	// glance is how often the watcher looks at the sessions' own clocks, which
	// costs nothing; suspicious is from when on it asks the server about a query.
	glance     = 8 * time.Millisecond
	suspicious = 8 * time.Millisecond
	// The longer a wait has lasted, the less often the server is asked: every
	// finest at first, every slowest in the end.
	slowest = 100 * time.Millisecond
)

// listWaits has the sessions that wait for a lock, what they wait for, and who
// stands before them. Who waits for a row waits for the end of the transaction
// that has it, while holding the row's place in the queue, which names the table.
// An index is named by its table. The extension of a file is no lock of a
// statement's.
const listWaits = `
SELECT l.pid, CASE WHEN l.locktype = 'relation' THEN l.mode ELSE '' END, coalesce(n.nspname || '.' || t.relname, ''), pg_blocking_pids(l.pid)
FROM pg_locks l
LEFT JOIN pg_locks r ON l.relation IS NULL AND r.pid = l.pid AND r.locktype = 'tuple' AND r.granted
LEFT JOIN pg_index i ON i.indexrelid = coalesce(l.relation, r.relation)
LEFT JOIN pg_class t ON t.oid = coalesce(i.indrelid, l.relation, r.relation)
LEFT JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE NOT l.granted AND l.pid = ANY ($1) AND l.locktype NOT IN ('extend', 'frozenid')`

// watcher asks the server which of the load's sessions wait, once one of their
// queries has been under way for suspiciously long.
type watcher struct {
	config  *pgx.ConnConfig
	conn    *pgx.Conn
	logger  *slog.Logger
	flights []*flight
}

func (w *watcher) run(ctx context.Context) {
	defer func() { shut(w.conn.PgConn()) }()
	ticker := time.NewTicker(glance)
	defer ticker.Stop()
	var asked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			age := w.oldest(now)
			if age < suspicious || now.Sub(asked) < min(max(age/20, finest-glance/2), slowest) {
				continue
			}
			asked = now
			if err := w.look(ctx); err != nil && ctx.Err() == nil {
				w.logger.Debug("the watcher of the traffic", "error", err)
				w.reconnect(ctx)
			}
		}
	}
}

// reconnect replaces a connection that the server has ended.
func (w *watcher) reconnect(ctx context.Context) {
	if !w.conn.IsClosed() {
		return
	}
	if conn, err := pgx.ConnectConfig(ctx, w.config); err == nil {
		shut(w.conn.PgConn())
		w.conn = conn
	}
}

// oldest is how long the oldest query has been under way.
func (w *watcher) oldest(now time.Time) time.Duration {
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

// asked is a session with the query that it had under way before the server was
// asked.
type asked struct {
	flight *flight
	serial uint64
}

// waiting is a session that waits, by the server's account.
type waiting struct {
	wait Wait
	by   []uint32
}

func (w *watcher) look(ctx context.Context) error {
	busy, ours := map[uint32]asked{}, map[uint32]bool{}
	var pids []int32
	for _, f := range w.flights {
		f.mu.Lock()
		if f.busy {
			busy[f.pid] = asked{f, f.serial}
			pids = append(pids, int32(f.pid))
		}
		if f.pid != 0 { // which stands for a prepared transaction
			ours[f.pid] = true
		}
		f.mu.Unlock()
	}
	rows, err := w.conn.Query(ctx, listWaits, pids)
	if err != nil {
		return err
	}
	waits := map[uint32]waiting{}
	var pid int32
	var mode, relation string
	var by []int32
	if _, err := pgx.ForEachRow(rows, []any{&pid, &mode, &relation, &by}, func() error {
		var lock onward.Lock
		if err := lock.UnmarshalText([]byte(mode)); err != nil {
			return err
		}
		found := waiting{wait: Wait{Relation: relation, Lock: lock}}
		for _, b := range by {
			found.by = append(found.by, uint32(b))
		}
		waits[uint32(pid)] = found
		return nil
	}); err != nil {
		return err
	}
	now := time.Now()
	for pid, found := range waits {
		if found.wait.By = heads(pid, waits, ours); len(found.wait.By) > 0 {
			busy[pid].mark(found.wait, now)
		}
	}
	return nil
}

// heads are the processes for which a session waits in the end, none of them the
// load's own: where one of the load's stands before another, it is for what that
// one waits. None, when the load waits for itself.
func heads(pid uint32, waits map[uint32]waiting, ours map[uint32]bool) []uint32 {
	var out []uint32
	seen := map[uint32]bool{}
	var follow func(pid uint32)
	follow = func(pid uint32) {
		if seen[pid] {
			return
		}
		seen[pid] = true
		for _, by := range waits[pid].by {
			if ours[by] {
				follow(by)
			} else if !slices.Contains(out, by) {
				out = append(out, by)
			}
		}
	}
	follow(pid)
	slices.Sort(out)
	return out
}

// mark notes a wait of the query that was under way when the server was asked,
// if it still is.
func (a asked) mark(wait Wait, now time.Time) {
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
