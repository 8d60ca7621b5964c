package observe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/onward"
)

// Alone observes a statement that the server refuses in a transaction block,
// such as CREATE INDEX CONCURRENTLY. A second session holds a lock on each
// relation that conflicts only with stronger modes than those already observed.
// So the statement queues for the next stronger mode, and pg_locks shows it.
// Each round takes a fresh database, until a round runs through.
type Alone struct {
	// Fresh gives the URL of a new copy of the fixture.
	Fresh func() (string, error)
	// Setup is SQL that is committed before the statement. Set is SQL with the settings of the session.
	Setup, Set string

	known map[string]onward.Lock // the strongest observed mode of each relation
	order []string               // of discovery
	// clearedRelations are the relations on which the second session holds no lock any more:
	// the statement waited for everyone who had a lock on one of them.
	clearedRelations map[string]bool
}

// blockingModes are the strongest modes that do not conflict with a mode. The second
// session takes them once a mode of the statement is known.
var blockingModes = map[onward.Lock]onward.Lock{
	onward.NoLock:                   onward.ShareUpdateExclusiveLock,
	onward.AccessShareLock:          onward.ShareUpdateExclusiveLock,
	onward.RowShareLock:             onward.ShareUpdateExclusiveLock,
	onward.RowExclusiveLock:         onward.ShareUpdateExclusiveLock,
	onward.ShareUpdateExclusiveLock: onward.RowExclusiveLock,
	onward.ShareLock:                onward.RowShareLock,
	onward.ShareRowExclusiveLock:    onward.RowShareLock,
	onward.ExclusiveLock:            onward.AccessShareLock,
}

const maxRounds = 40

// ObserveRounds runs the statement round by round.
func (a *Alone) ObserveRounds(ctx context.Context, sql string) (*Observation, error) {
	a.known, a.clearedRelations = map[string]onward.Lock{}, map[string]bool{}
	var o *Observer
	defer func() {
		if o != nil {
			o.Close(ctx)
		}
	}()
	for range maxRounds {
		if o != nil && !o.isUnchanged(ctx) {
			o.Close(ctx)
			o = nil
		}
		if o == nil {
			var err error
			if o, err = a.openFreshDatabase(ctx); err != nil {
				return nil, err
			}
		}
		out, more, err := a.runRound(ctx, o, sql)
		if err != nil || !more {
			return out, err
		}
	}
	return nil, fmt.Errorf("%s: still queueing after %d rounds", sql, maxRounds)
}

// openFreshDatabase watches a new database, set up.
func (a *Alone) openFreshDatabase(ctx context.Context) (*Observer, error) {
	url, err := a.Fresh()
	if err != nil {
		return nil, err
	}
	o, err := NewObserver(ctx, url)
	if err != nil {
		return nil, err
	}
	if a.Setup != "" {
		if err := o.Exec(ctx, a.Setup); err != nil {
			o.Close(ctx)
			return nil, &SetupError{err}
		}
		if err := o.ReadRelations(ctx); err != nil {
			o.Close(ctx)
			return nil, err
		}
	}
	if a.Set != "" {
		if err := o.Exec(ctx, a.Set); err != nil {
			o.Close(ctx)
			return nil, err
		}
	}
	return o, nil
}

// isUnchanged reports whether a cancelled statement has left the database as it
// was: no invalid index, no half-detached partition.
func (o *Observer) isUnchanged(ctx context.Context) bool {
	now, err := ListRelations(ctx, o.watch)
	if err != nil || len(now) != len(o.before) {
		return false
	}
	for oid, r := range now {
		if old := o.before[oid]; old.File != r.File || old.Name != r.Name {
			return false
		}
	}
	var pending bool
	err = o.watch.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE pg_catalog.to_jsonb(i) OPERATOR(pg_catalog.->>) 'inhdetachpending' OPERATOR(pg_catalog.=) 'true')`).Scan(&pending)
	return err == nil && !pending
}

// runRound runs the statement once. more says that it queued for a lock that was
// not known before, which a.known holds now.
func (a *Alone) runRound(ctx context.Context, o *Observer, sql string) (out *Observation, more bool, err error) {
	block, err := pgx.ConnectConfig(ctx, o.watch.Config())
	if err != nil {
		return nil, false, err
	}
	defer block.Close(ctx)
	if err := a.takeBlockingLocks(ctx, block, o.before); err != nil {
		return nil, false, err
	}

	done := make(chan error, 1)
	go func() { _, err := o.session.Exec(ctx, sql); done <- err }()
	out = &Observation{Relations: map[string]ObservedEffect{}, Alone: true}
	idle := 0
	for {
		select {
		case err := <-done:
			var pg *pgconn.PgError
			if errors.As(err, &pg) {
				out.Refused, out.Code = pg.Message, pg.Code
				return out, false, nil
			}
			if err != nil {
				return nil, false, err
			}
			return o.observeResult(ctx, out, a.known)
		case <-time.After(2 * time.Millisecond):
		}
		asked, waiting, err := o.readRequestedLocks(ctx)
		if err != nil {
			return nil, false, err
		}
		for oid, mode := range asked {
			r, ok := o.before[oid]
			if !ok || mode <= a.known[r.Name] {
				continue
			}
			if r.Kind == "v" && mode > onward.AccessShareLock && !waiting[oid] {
				continue // held for an instant (VACUUM passes a view over): whether it is seen is chance
			}
			if _, seen := a.known[r.Name]; !seen {
				a.order = append(a.order, r.Name)
			}
			a.known[r.Name] = mode
			// What has been granted needs no further round.
			more = more || waiting[oid]
		}
		if len(waiting) > 0 && more {
			// Let it go and try again, with less in its way.
			return nil, true, o.cancelStatement(ctx, done)
		}
		// It may also wait for all who have a lock on a relation: make way on
		// one relation after the other, in the order that they were met.
		if len(waiting) > 0 {
			continue
		}
		if idle++; idle > 25 {
			stuck, err := o.isWaiting(ctx)
			if err != nil {
				return nil, false, err
			}
			if !stuck {
				idle = 0
				continue
			}
			if a.clearNextRelation() {
				return nil, true, o.cancelStatement(ctx, done)
			}
			if _, err := block.Exec(ctx, "ROLLBACK"); err != nil {
				return nil, false, err
			}
			idle = -1 << 30
		}
	}
}

// clearNextRelation chooses the next relation that the second session does not lock any more.
func (a *Alone) clearNextRelation() bool {
	for _, name := range a.order {
		if !a.clearedRelations[name] && a.known[name] >= onward.ShareUpdateExclusiveLock {
			a.clearedRelations[name] = true
			return true
		}
	}
	return false
}

// isWaiting reports whether the first session waits for a lock of any kind.
func (o *Observer) isWaiting(ctx context.Context) (waiting bool, err error) {
	err = o.watch.QueryRow(ctx, `SELECT coalesce(wait_event_type = 'Lock', false) FROM pg_stat_activity WHERE pid = $1`, int64(o.pid)).Scan(&waiting)
	return waiting, err
}

// SetupError says that what a form needs is not possible on this server.
type SetupError struct{ Err error }

// Error is the server's message.
func (e *SetupError) Error() string { return "setup: " + e.Err.Error() }

// takeBlockingLocks takes the locks that conflict only with stronger modes than the known ones.
func (a *Alone) takeBlockingLocks(ctx context.Context, c *pgx.Conn, rels map[uint32]Relation) error {
	var b strings.Builder
	b.WriteString("BEGIN;")
	for _, r := range rels {
		mode, ok := blockingModes[a.known[r.Name]]
		if !ok || a.clearedRelations[r.Name] {
			continue
		}
		name := quoteName(r.Name)
		switch r.Kind {
		case "r", "p":
			fmt.Fprintf(&b, "LOCK TABLE ONLY %s IN %s MODE;", name, mode.Words())
		case "m", "S":
			fmt.Fprintf(&b, "DO $$BEGIN PERFORM 1 FROM %s LIMIT 0; EXCEPTION WHEN OTHERS THEN NULL; END$$;", name)
		}
	}
	_, err := c.Exec(ctx, b.String())
	return err
}

func quoteName(name string) string {
	schema, rel, _ := strings.Cut(name, ".")
	return pgx.Identifier{schema, rel}.Sanitize()
}

// readRequestedLocks returns the locks that the first session holds or waits for.
func (o *Observer) readRequestedLocks(ctx context.Context) (modes map[uint32]onward.Lock, waiting map[uint32]bool, err error) {
	rows, err := o.watch.Query(ctx, `SELECT relation, mode, granted FROM pg_catalog.pg_locks WHERE pid OPERATOR(pg_catalog.=) $1 AND locktype OPERATOR(pg_catalog.=) 'relation'`, int64(o.pid))
	if err != nil {
		return nil, nil, err
	}
	modes, waiting = map[uint32]onward.Lock{}, map[uint32]bool{}
	var oid uint32
	var mode string
	var granted bool
	_, err = pgx.ForEachRow(rows, []any{&oid, &mode, &granted}, func() error {
		var l onward.Lock
		if err := l.UnmarshalText([]byte(mode)); err != nil {
			return err
		}
		modes[oid] = max(modes[oid], l)
		if !granted {
			waiting[oid] = true
		}
		return nil
	})
	return modes, waiting, err
}

// cancelStatement cancels the statement.
func (o *Observer) cancelStatement(ctx context.Context, done chan error) error {
	for {
		if _, err := o.watch.Exec(ctx, "SELECT pg_catalog.pg_cancel_backend($1)", int64(o.pid)); err != nil {
			return err
		}
		select {
		case <-done:
			return nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// observeResult looks at what a statement that ran through has left.
func (o *Observer) observeResult(ctx context.Context, out *Observation, known map[string]onward.Lock) (*Observation, bool, error) {
	after, err := ListRelations(ctx, o.watch)
	if err != nil {
		return nil, false, err
	}
	byName := map[string]uint32{}
	for oid, r := range o.before {
		byName[r.Name] = oid
	}
	locks := map[uint32]onward.Lock{}
	for name, mode := range known {
		locks[byName[name]] = mode
	}
	out.Relations = CombineEffects(o.before, after, locks, nil)
	return out, false, nil
}
