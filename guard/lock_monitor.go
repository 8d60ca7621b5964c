package guard

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/onward"
)

// lockMonitor is a separate session that reads which sessions block the command's, and which wait for them.
type lockMonitor struct{ live.SideSession }

// newGuard prepares a run by checking the database. The errors are the same as for [Run].
func newGuard(ctx context.Context, c *Config) (*guard, error) {
	p, err := newServerAddress(c.DB)
	if err != nil {
		return nil, err
	}
	server, err := wire.ParseServer(c.DB)
	if err != nil {
		return nil, err
	}
	shared, err := live.SharesSession(ctx, c.DB)
	if err != nil {
		return nil, err
	}
	if shared {
		return nil, &config.InputError{Err: errors.New("a pooler shares the sessions of the database, so a timeout for one client would reach others: " +
			"name the server itself")}
	}
	// also the command's: a pooler may not take it
	settings := map[string]string{"lock_timeout": formatMilliseconds(queue.FirstStall)}
	if c.SearchPath != "" {
		settings["search_path"] = c.SearchPath
	}
	e := &lockMonitor{live.SideSession{URL: c.DB, Name: "onward guard", Settings: settings, Own: true}}
	err = e.Do(ctx, func(context.Context, *pgx.Conn) error { return nil })
	if refused := live.FindRefusal(err); refused != nil && refused.Code == "08P01" {
		err = &config.InputError{Err: errors.New("the pooler before the database accepts no lock_timeout with a connection: name the server itself")}
	}
	if err != nil {
		return nil, err
	}
	return &guard{c: c, serverAddress: p, server: server, monitor: e}, nil
}

// readSchema reads the schema and the version. If the schema cannot be read, only the relations that a
// statement names count as locked.
func (e *lockMonitor) readSchema(ctx context.Context) (*catalog.Catalog, *effect.Version, error) {
	var path []string
	err := e.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		path, err = live.SearchSchemas(ctx, conn)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	read := live.ReadSchema
	if e.Settings["search_path"] != "" {
		read = func(ctx context.Context, url string) (*live.Schema, error) { return live.ReadSchemas(ctx, url, path) }
	}
	s, err := read(ctx, e.URL)
	if err != nil {
		return nil, nil, err
	}
	return s.Catalog.WithSearchPath(path), effect.NewVersion(s.Major), nil
}

// findBlockers returns the sessions that block a statement, without the command's own.
func (e *lockMonitor) findBlockers(ctx context.Context, line *queue.LockQueue, ownPIDs map[int]bool) (list []queue.Blocker, err error) {
	err = e.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		list, err = line.InTheWay(ctx, conn)
		return err
	})
	return slices.DeleteFunc(list, func(h queue.Blocker) bool { return ownPIDs[h.PID] }), err
}

// describeBlockers describes the blockers.
func (e *lockMonitor) describeBlockers(ctx context.Context, line *queue.LockQueue, ownPIDs map[int]bool) []string {
	list, err := e.findBlockers(ctx, line, ownPIDs)
	if err != nil {
		return nil
	}
	return queue.DescribeBlockers(list)
}

// holdStatement holds a statement back until nothing blocks it. If its transaction already has strong locks,
// for which others may wait, the limit is MaxStall.
func (r *run) holdStatement(s *session, words string, wanted []queue.WantedLock, inside bool) {
	until := r.holdUntil
	if inside {
		until = time.Now().Add(r.g.c.MaxStall)
	}
	line := &queue.LockQueue{Wanted: wanted, Age: queue.OldEnough}
	start := time.Now()
	var teller queue.BlockerReporter
	var out onward.GuardedWait
	for {
		list, err := r.g.monitor.findBlockers(r.ctx, line, r.sessionPIDs())
		if err != nil {
			r.log.Info("who is in the way is not known", "error", err)
		}
		if err != nil || len(list) == 0 {
			break
		}
		blockers := queue.DescribeBlockers(list)
		out.InTheWay = blockers
		if r.ctx.Err() == nil && teller.ShouldReport(list) {
			r.g.c.Tell(words + " is held back: " + strings.Join(blockers, "; "))
		}
		if out.Passed = time.Now().After(until) || r.ctx.Err() != nil || s.crowded.Load(); out.Passed {
			break
		}
		_ = queue.Pause(r.ctx, queue.BlockerPollInterval)
	}
	if out.InTheWay == nil {
		return
	}
	out.Statement, out.TookMS = words, time.Since(start).Milliseconds()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Waited = append(r.out.Waited, out)
}

// watchQueues checks the lock queues of the command's sessions while it runs, and cancels statements for which
// others wait too long.
func (r *run) watchQueues() {
	for r.ctx.Err() == nil {
		r.bypass.findSessions(r.ctx)
		for _, s := range r.listOpenSessions() {
			s.mu.Lock()
			idle := s.wire == nil || !s.busy && s.status == 'I'
			s.mu.Unlock()
			if !idle {
				r.cancelIfQueueTooLong(s)
			}
		}
		_ = queue.Pause(r.ctx, queue.WaiterPollInterval)
	}
}

// cancelIfQueueTooLong checks the queue of one session.
func (r *run) cancelIfQueueTooLong(s *session) {
	s.mu.Lock()
	repacks := s.isRepacking()
	s.mu.Unlock()
	if repacks {
		r.cancelBlockingRepack(s)
		return
	}
	var tail queue.Waiters
	err := r.g.monitor.Do(r.ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		tail, err = queue.ReadWaiters(ctx, conn, int(s.pid.Load()))
		return err
	})
	if err != nil {
		return
	}
	r.recordLongestQueue(tail)
	if tail.TooLong() {
		r.cancelOrDisconnect(s, tail.String())
	}
}

// recordLongestQueue records the longest queue.
func (r *run) recordLongestQueue(tail queue.Waiters) {
	if tail.Count == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.out.Behind == nil {
		r.out.Behind = &onward.GuardedQueue{}
	}
	b := r.out.Behind
	b.Most, b.LongestMS = max(b.Most, tail.Count), max(b.LongestMS, tail.Longest.Milliseconds())
}

// cancelOrDisconnect cancels the running statement of a session, or closes the connection of one that is idle in a transaction.
func (r *run) cancelOrDisconnect(s *session, reason string) {
	s.crowded.Store(true)
	s.mu.Lock()
	w, busy := s.wire, s.busy
	if s.holding.Load() { // it is being forwarded, and will be cancelled at the next check
		s.mu.Unlock()
		return
	}
	if busy {
		s.cancelReason = reason
	}
	s.mu.Unlock()
	if busy {
		if err := w.Cancel(r.ctx); err != nil {
			r.log.Info("its own session was not cancelled", "error", err)
		}
		return
	}
	s.mu.Lock()
	inTransaction := s.status != 'I'
	s.mu.Unlock()
	if !inTransaction {
		return
	}
	r.mu.Lock()
	r.lostRace = true
	r.mu.Unlock()
	r.recordLoss(onward.GuardedLoss{Statement: "a transaction that waited for the command", SQLSTATE: "57014", Message: reason})
	w.Disconnect("57014", "others waited for this transaction for too long, and it was ended")
}
