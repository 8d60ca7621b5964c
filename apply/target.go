package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/onward"
)

// Target is a database with a plan that is being carried out there. It holds the lease until
// it is closed.
type Target struct {
	c       Config
	plan    *ledger.Plan
	work    *pgx.Conn
	silence *live.Silence // of the session that works
	control *live.Beside  // renews the lease, looks at the queue and writes what is to stay when the work is rolled back
	lease   *ledger.Lease
	major   int
	yields  bool                    // autovacuum is made to give way
	role    *roleSettings           // of the role that runs the steps, and of the database
	direct  bool                    // no pooler of transactions is in between
	steps   map[string]*ledger.Step // as the ledger had them last
	gauge   *throttle.Gauge         // for the step that is next
	tries   tries
	proof   *foreignKeyProof // under way; nil before and after
	cut     bool             // the line was cut: what is under way is not known
	green   bool             // the new code works behind the contract: Config.Workload was asked
	evident bool             // the old code is gone: Config.Evidence was asked
	sample  *statementSample // of the statements, before a contract; nil for none
	again   bool             // backfills that are done are compared once more, and nothing else
	stop    context.CancelFunc
	kept    chan struct{}
}

// tries is what happened to the step that is next.
type tries struct {
	step   string
	since  time.Time
	begun  bool
	lost   int
	size   int // of the next batch
	narrow int // bounds it while a row is looked for that cannot be changed; 0 for not
	waited time.Duration
	teller queue.Teller
	unseen string // why a standby could not be asked, as it was told last
	passed int64  // rows, by all batches
	of     int64  // rows that there are, as the server estimates
	held   held

	through bool                 // all rows are passed
	pass    *ledger.Verification // under way; nil for not known
	wrong   int64                // rows of the chunk that is read again, at the last look
	vain    int                  // times that mending did not make them fewer
	fails   string               // why the last mending failed
	mend    mending

	rows *rowCheck // for rows that violate a condition; nil for not begun
}

// Open takes the lease of a database, and notes the plan there. The errors are those of [Run].
func Open(ctx context.Context, c Config) (*Target, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	heard := live.NewSilence(ctx, nil)
	t := &Target{c: c, silence: live.NewSilence(ctx, heard), control: &live.Beside{URL: c.DB, Name: controlName, Own: true, Silence: heard}}
	if err := t.open(ctx); err != nil {
		t.Close(ctx)
		return nil, address.Without(err, c.DB)
	}
	return t, nil
}

func (t *Target) open(ctx context.Context) error {
	t.direct = t.c.reaches(ctx)
	if err := t.dial(ctx); err != nil {
		return err
	}
	if err := t.checkRoleSettings(); err != nil {
		return err
	}
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return t.c.stands(ctx, conn) }); err != nil {
		return err
	}
	if err := t.refuseLedger(ctx); err != nil {
		return err
	}
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return ledger.Make(ctx, conn) }); err != nil {
		return err
	}
	if err := t.take(ctx, 0); err != nil {
		return err
	}
	t.keep(ctx)
	if err := t.begin(ctx); err != nil {
		return err
	}
	if err := t.recordSessions(ctx); err != nil {
		return err
	}
	if err := t.reload(ctx); err != nil {
		return err
	}
	return t.refusePublications(ctx)
}

// reaches reports whether no pooler of transactions is in between. It is asked once, and where the pool has no second session to give, it is not known: then there may be one.
func (c *Config) reaches(ctx context.Context) bool {
	if c.direct == nil {
		shared, err := live.Shared(ctx, c.DB)
		direct := err == nil && !shared
		c.direct = &direct
	}
	return *c.direct
}

// dial makes both sessions, anew where there are some.
func (t *Target) dial(ctx context.Context) error {
	t.hangUp(ctx)
	err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if t.major, err = primary(ctx, conn); err == nil {
			t.yields, err = yields(ctx, conn, t.major)
		}
		if err == nil {
			t.role, err = readRoleSettings(ctx, conn, t.major)
		}
		return err
	})
	if err == nil {
		t.work, err = live.ConnectBound(ctx, t.c.DB, workName, nil, t.silence)
	}
	return err
}

func (t *Target) hangUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if t.work != nil {
		_ = t.work.Close(ctx) // what is lost with it, the ledger knows
	}
	t.control.Close(ctx)
}

// Close gives the lease back.
func (t *Target) Close(ctx context.Context) {
	if t.stop != nil {
		t.stop()
		<-t.kept
	}
	if t.lease != nil && !t.cut {
		_ = t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error { return t.lease.Release(ctx, conn) })
	}
	t.hangUp(ctx)
	t.c.standsNoMore(ctx)
}

// take takes the lease, waiting for who has it.
func (t *Target) take(ctx context.Context, before int64) error {
	who := t.c.Who
	if who == "" {
		who = Self("apply")
	}
	for end := time.Now().Add(t.c.Within); ; {
		err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			lease, err := ledger.Take(ctx, conn, who, t.direct, before)
			if err == nil {
				t.lease = lease
			}
			return err
		})
		held := new(ledger.HeldError)
		if !errors.As(err, &held) || time.Now().After(end) {
			return err
		}
		t.c.Tell(Event{Kind: Held, Words: held.Error()})
		if err := queue.Pause(ctx, min(time.Second, max(held.Left, 100*time.Millisecond))); err != nil {
			return err
		}
	}
}

// keep renews the lease until the target is closed. Where that fails, the fence of the next
// transaction tells.
func (t *Target) keep(ctx context.Context) {
	ctx, t.stop = context.WithCancel(context.WithoutCancel(ctx))
	t.kept = make(chan struct{})
	go func() {
		defer close(t.kept)
		for queue.Pause(ctx, min(ledger.Renewal, t.silence.Limit()/4)) == nil {
			_ = t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return t.lease.Renew(ctx, conn) })
		}
	}()
}

// begin finds the plan in the ledger, or notes it there after a look at the schema.
func (t *Target) begin(ctx context.Context) error {
	id := ledger.ID(t.c.Plan)
	var list []*ledger.Plan
	var path string
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if list, err = ledger.Plans(ctx, conn); err != nil {
			return err
		}
		return conn.QueryRow(ctx, "SELECT current_setting('search_path')").Scan(&path)
	}); err != nil {
		return err
	}
	for _, p := range list {
		same := ledger.ID(&p.Plan) == id // what an older release stored as the ID is another hash
		switch {
		case t.c.asWritten && !same: // who made the plan has looked
		case t.c.asWritten:
			t.plan = p
			return nil
		case same && p.State == ledger.Abandoned:
			return &RefusedError{Text: "this plan was begun here, and taken back on " + p.Ended.Format(time.DateTime) + ": make it anew, with onward plan"}
		case same && p.State == ledger.Aborting && !t.c.back:
			return &RefusedError{Text: "this plan is being taken back: onward abort goes on with that"}
		case same:
			t.plan = p
			t.c.Plan = &p.Plan // which also says what is noted for the migrations' own tool
			return t.obey(ctx)
		case p.State == ledger.Done || p.State == ledger.Abandoned:
		case shares(&p.Plan, t.c.Plan):
			return &RefusedError{Text: fmt.Sprintf("another plan for the same migrations (%s → %s) was begun here on %s and is not at its end: go on with that one, or take it back with onward abort --plan %s",
				p.Plan.Base, p.Plan.Head, p.Began.Format(time.DateTime), p.ID)}
		}
	}
	return t.beginNew(ctx, id, path)
}

// beginNew notes a plan in the ledger that was not begun here, if it is proven, for this schema, and of statements that its steps may send.
func (t *Target) beginNew(ctx context.Context, id, path string) error {
	for _, check := range []func() error{
		t.refuseWritten, t.requireProof, t.judgePlan,
		func() error { return t.fits(ctx) },
		func() error { return t.refuseLosses(ctx) },
		func() error { return t.refusePublications(ctx) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	t.c.Plan = noting(t.c.Plan, t.c.record)
	t.plan = &ledger.Plan{ID: id, Name: t.c.Name, Plan: *t.c.Plan, Path: path, Role: t.c.Role}
	if err := sealPlan(&t.plan.Plan); err != nil {
		return err
	}
	t.c.Plan = &t.plan.Plan
	return t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if err := ledger.Begin(ctx, conn, t.plan); err != nil {
			return err
		}
		if err := t.log(ctx, conn, "", "plan begun", t.plan.Plan.Base+" → "+t.plan.Plan.Head); err != nil {
			return err
		}
		return t.logUnproven(ctx, conn)
	})
}

// fits holds the schema against the one that the plan is for.
func (t *Target) fits(ctx context.Context) error {
	if t.c.asWritten {
		return nil
	}
	schema, err := live.ReadSchema(ctx, t.c.DB)
	if err != nil {
		return err
	}
	names := t.c.Plan.Relations()
	if is := schema.Catalog.Sum(names); is != t.c.Plan.Catalog {
		return &RefusedError{Text: fmt.Sprintf("the plan is for another schema: columns, types, NOT NULL and constraints of %s are not those that it was made for. "+
			"Either this is another database, or something was applied since: make the plan anew, with onward plan --db", strings.Join(names, ", "))}
	}
	return nil
}

// shares reports whether two plans take the place of the same migration.
func shares(a, b *onward.Plan) bool {
	return slices.ContainsFunc(a.Migrations, func(m onward.PlannedMigration) bool {
		return slices.ContainsFunc(b.Migrations, func(is onward.PlannedMigration) bool { return is.ID == m.ID && is.Path == m.Path })
	})
}

func (t *Target) log(ctx context.Context, conn ledger.Conn, step, event, detail string) error {
	return ledger.Log(ctx, conn, &ledger.Entry{Who: t.lease.Holder, Plan: t.plan.ID, Step: step, Event: event, Detail: detail})
}

// reload reads how far the steps are.
func (t *Target) reload(ctx context.Context) error {
	return t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		t.steps, err = ledger.Steps(ctx, conn, t.plan.ID)
		return err
	})
}

// recover begins again behind a cut line: the lease is taken anew, which waits for the end of
// what was under way, and then the ledger tells what was committed.
func (t *Target) recover(ctx context.Context) error {
	if err := t.dial(ctx); err != nil {
		return err
	}
	if err := t.take(ctx, t.lease.Epoch); err != nil {
		return err
	}
	if err := t.reload(ctx); err != nil {
		return err
	}
	t.cut = false
	t.tries.pass = nil // it is read again
	t.c.Tell(Event{Kind: Recovered})
	return nil
}

// hold notes why the step that is next is not done.
func (t *Target) hold(ctx context.Context, state, why string) error {
	waited := t.tries.waited
	t.tries.waited = 0
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		if err := ledger.Hold(ctx, conn, t.plan.ID, t.tries.step, state, why, waited); err != nil {
			return err
		}
		return t.log(ctx, conn, t.tries.step, state, why)
	})
}
