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

// Target is a database on which a plan is being carried out. It holds the lease until it is closed.
type Target struct {
	c                settings
	plan             *ledger.Plan
	work             *pgx.Conn
	workers          []*pgx.Conn       // more sessions that run batches, if there are several workers
	silence          *live.Silence     // of the work session
	control          *live.SideSession // renews the lease, checks the lock queue, and writes what must stay if the work is rolled back
	lease            *ledger.Lease
	major            int
	autovacuumYields bool                    // autovacuum is made to give way
	role             *roleSettings           // of the role that runs the steps, and of the database
	direct           bool                    // no transaction pooler is in between
	steps            map[string]*ledger.Step // as last read from the ledger
	gauge            *throttle.Gauge         // for the next step
	tries            stepAttempts
	load             *loadMeter       // of the next step
	proof            *foreignKeyProof // in progress; nil before and after
	disconnected     bool             // the connection was lost: the outcome of the running step is unknown
	workloadChecked  bool             // the new code works after the contract: Config.Workload was checked
	evidenceChecked  bool             // the old code is gone: Config.Evidence was checked
	sample           *statementSample // of the statements, before a contract; nil for none
	onlyVerify       bool             // finished backfills are compared again, and nothing else is done
	stop             context.CancelFunc
	renewalDone      chan struct{}
}

// stepAttempts is the state of the attempts at the next step.
type stepAttempts struct {
	step          string
	since         time.Time
	started       bool
	lostRaces     int
	size          int // of the next batch
	narrowLimit   int // limits the batch while a row that cannot be changed is searched for; 0 for no limit
	waited        time.Duration
	teller        queue.BlockerReporter
	unseen        string // why a standby could not be asked, as last reported
	processedRows int64  // rows that all batches have processed
	estimatedRows int64  // rows in total, as the server estimates
	held          backfillHold

	ranges         []ledger.Range       // of a backfill that several workers share: those that are not done
	rangesRead     bool                 // ranges are as in the ledger
	ranged         bool                 // the backfill has ranges
	unsplit        bool                 // the backfill cannot be split
	narrowRange    int                  // the range that narrowLimit is for
	workers        int                  // that ran the last batches
	allProcessed   bool                 // all rows are processed
	pass           *ledger.Verification // in progress; nil for unknown
	wrong          int64                // wrong rows of the chunk at its last reading
	uselessRepairs int                  // repairs that did not lower their number
	repairError    string               // why the last repair failed
	repair         chunkRepair

	rows *rowCheck // the search for rows that violate a condition; nil if not started
}

// Open takes the lease of a database and records the plan there. The errors are the same as for [Run].
func Open(ctx context.Context, c Config) (*Target, error) {
	return openTarget(ctx, settings{Config: c})
}

func openTarget(ctx context.Context, c settings) (*Target, error) {
	if err := c.prepareRun(ctx); err != nil {
		return nil, err
	}
	if !c.scope.IsDatabase() && !c.moved {
		var err error
		if c.Plan, err = planForSchema(c.Plan, c.scope); err != nil {
			return nil, err
		}
	}
	heard := live.NewSilence(ctx, nil)
	t := &Target{c: c, silence: live.NewSilence(ctx, heard), control: &live.SideSession{URL: c.DB, Name: controlName, Own: true, Silence: heard}}
	if err := t.begin(ctx); err != nil {
		t.Close(ctx)
		return nil, address.RedactError(err, c.DB)
	}
	return t, nil
}

func (t *Target) begin(ctx context.Context) error {
	t.direct = t.c.isDirect(ctx)
	if !t.direct && !t.c.scope.IsDatabase() {
		return &RefusedError{Text: "a pooler that shares sessions is between onward and the database, so no session keeps the search_path of a schema: " +
			"name the server itself"}
	}
	if err := t.openSessions(ctx); err != nil {
		return err
	}
	if err := t.checkRoleSettings(t.c.Plan); err != nil {
		return err
	}
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return t.c.connectStandbys(ctx, conn) }); err != nil {
		return err
	}
	if err := t.refuseLedger(ctx); err != nil {
		return err
	}
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return ledger.CreateLedger(ctx, conn) }); err != nil {
		return err
	}
	patience := t.c.Within
	if t.c.Slice != nil {
		patience = 0
	}
	if err := t.takeLease(ctx, 0, patience); err != nil {
		return err
	}
	t.keepLease(ctx)
	if err := t.beginPlan(ctx); err != nil {
		return err
	}
	if err := t.recordSessions(ctx); err != nil {
		return err
	}
	if err := t.reloadSteps(ctx); err != nil {
		return err
	}
	return t.refusePublications(ctx)
}

// isDirect reports whether there is no transaction pooler in between. The answer is cached. If no second session can be opened to find out,
// it reports false.
func (c *settings) isDirect(ctx context.Context) bool {
	if c.direct == nil {
		shared, err := live.SharesSession(ctx, c.DB)
		direct := err == nil && !shared
		c.direct = &direct
	}
	return *c.direct
}

// openSessions opens both sessions, closing earlier ones.
func (t *Target) openSessions(ctx context.Context) error {
	t.closeSessions(ctx)
	err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if t.major, err = primaryVersion(ctx, conn); err == nil {
			t.autovacuumYields, err = canYield(ctx, conn, t.major)
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

func (t *Target) closeSessions(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if t.work != nil {
		_ = t.work.Close(ctx) // the ledger knows what is lost with it
	}
	for _, w := range t.workers {
		_ = w.Close(ctx)
	}
	t.workers = nil
	t.control.Close(ctx)
}

// Close releases the lease.
func (t *Target) Close(ctx context.Context) {
	t.endRenewal()
	if !t.disconnected {
		t.releaseLease(ctx)
	}
	t.closeSessions(ctx)
	closeStandbys(ctx, t.c.standbys)
}

// endRenewal ends the renewal of the lease.
func (t *Target) endRenewal() {
	if t.stop != nil {
		t.stop()
		<-t.renewalDone
	}
}

// releaseLease releases the lease, if there is one. A lease that cannot be released ends by itself.
func (t *Target) releaseLease(ctx context.Context) {
	if t.lease != nil {
		_ = t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error { return t.lease.Release(ctx, conn) })
	}
}

// takeLease takes the lease, and waits for its holder. before is the epoch of a lease that this process has held; 0 for none.
func (t *Target) takeLease(ctx context.Context, before int64, patience time.Duration) error {
	for end := time.Now().Add(patience); ; {
		err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			lease, err := t.c.scope.TakeLease(ctx, conn, t.c.Who, t.direct, before)
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

// keepLease renews the lease until the target is closed. If a renewal fails, the fence of the next transaction notices.
func (t *Target) keepLease(ctx context.Context) {
	ctx, t.stop = context.WithCancel(context.WithoutCancel(ctx))
	t.renewalDone = make(chan struct{})
	go func() {
		defer close(t.renewalDone)
		for queue.Pause(ctx, min(ledger.Renewal, t.silence.Limit()/4)) == nil {
			_ = t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return t.lease.Renew(ctx, conn) })
		}
	}()
}

// beginPlan finds the plan in the ledger, or records it there after checking the schema.
func (t *Target) beginPlan(ctx context.Context) error {
	id := ledger.PlanID(t.c.Plan)
	var list []*ledger.Plan
	var path string
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if list, err = t.c.scope.ReadPlans(ctx, conn); err != nil {
			return err
		}
		return conn.QueryRow(ctx, "SELECT current_setting('search_path')").Scan(&path)
	}); err != nil {
		return err
	}
	for _, p := range list {
		same := ledger.PlanID(&p.Plan) == id // older releases computed the ID with another hash
		switch {
		case t.c.asWritten && !same: // whoever made the plan has checked
		case t.c.asWritten:
			t.plan = p
			return nil
		case same && p.State == ledger.Abandoned:
			return &RefusedError{Text: "this plan was begun here, and taken back on " + p.Ended.Format(time.DateTime) + ": make it anew, with onward plan"}
		case same && p.State == ledger.Aborting && !t.c.undoing:
			return &RefusedError{Text: "this plan is being taken back: onward abort goes on with that"}
		case same:
			t.plan = p
			t.c.Plan = &p.Plan // it also has the SQL for the migration tool's table
			return t.clearCancel(ctx)
		case p.State == ledger.Done || p.State == ledger.Abandoned:
		case sharesMigration(&p.Plan, t.c.Plan):
			return &RefusedError{Text: fmt.Sprintf("another plan for the same migrations (%s → %s) was begun here on %s and is not at its end: "+
				"go on with that one, or take it back with onward abort --plan %s",
				p.Plan.Base, p.Plan.Head, p.Began.Format(time.DateTime), p.ID)}
		}
	}
	return t.beginNew(ctx, id, path)
}

// beginNew records a plan in the ledger that was not started here. The plan must be proven, made for this schema, and have only allowed
// statements.
func (t *Target) beginNew(ctx context.Context, id, path string) error {
	for _, check := range []func() error{
		t.refuseWritten, t.requireProof, t.checkPlanPermissions,
		func() error { return t.checkSchema(ctx) },
		func() error { return t.refuseLosses(ctx) },
		func() error { return t.refusePublications(ctx) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	t.c.Plan = withRecord(t.c.Plan, t.c.record)
	t.plan = &ledger.Plan{ID: t.c.scope.PlanID(id), Name: t.c.Name, Plan: *t.c.Plan, Path: path, Role: t.c.Role}
	if err := sealPlan(&t.plan.Plan); err != nil {
		return err
	}
	t.c.Plan = &t.plan.Plan
	return t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if err := t.c.scope.RecordPlan(ctx, conn, t.plan); err != nil {
			return err
		}
		if err := t.logEvent(ctx, conn, "", "plan begun", t.plan.Plan.Base+" → "+t.plan.Plan.Head); err != nil {
			return err
		}
		return t.logUnproven(ctx, conn)
	})
}

// checkSchema compares the schema with the one that the plan was made for.
func (t *Target) checkSchema(ctx context.Context) error {
	if t.c.asWritten {
		return nil
	}
	schema, err := t.readOwnSchema(ctx)
	if err != nil {
		return err
	}
	names := t.c.Plan.Relations()
	deployed := make([]string, len(names))
	for i, name := range names {
		deployed[i] = deployedRelation(name, t.c.scope)
	}
	if hash := schema.Catalog.HashRelations(deployed); hash != t.c.Plan.Catalog {
		return &RefusedError{Text: fmt.Sprintf("the plan is for another schema: columns, types, NOT NULL and constraints of %s are not those that it was made for. "+
			"Either this is another database, or something was applied since: make the plan anew, with onward plan --db", strings.Join(names, ", "))}
	}
	return nil
}

// sharesMigration reports whether two plans replace the same migration.
func sharesMigration(a, b *onward.Plan) bool {
	return slices.ContainsFunc(a.Migrations, func(m onward.PlannedMigration) bool {
		return slices.ContainsFunc(b.Migrations, func(planned onward.PlannedMigration) bool { return planned.ID == m.ID && planned.Path == m.Path })
	})
}

func (t *Target) logEvent(ctx context.Context, conn ledger.Conn, step, event, detail string) error {
	return ledger.WriteLog(ctx, conn, &ledger.Entry{Who: t.lease.Holder, Plan: t.plan.ID, Step: step, Event: event, Detail: detail})
}

// reloadSteps reads the progress of the steps.
func (t *Target) reloadSteps(ctx context.Context) error {
	return t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		t.steps, err = ledger.ReadSteps(ctx, conn, t.plan.ID)
		return err
	})
}

// recoverConnection continues after a lost connection. It takes the lease again, which waits for the end of the running transaction, and then reads
// from the ledger what was committed.
func (t *Target) recoverConnection(ctx context.Context) error {
	if err := t.openSessions(ctx); err != nil {
		return err
	}
	if err := t.takeLease(ctx, t.lease.Epoch, t.c.Within); err != nil {
		return err
	}
	if err := t.reloadSteps(ctx); err != nil {
		return err
	}
	t.disconnected = false
	t.tries.pass = nil // it is read again
	t.c.Tell(Event{Kind: Recovered})
	return nil
}

// recordStepState records why the next step is not done.
func (t *Target) recordStepState(ctx context.Context, state, why string) error {
	waited := t.tries.waited
	t.tries.waited = 0
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		if err := ledger.RecordStepState(ctx, conn, t.plan.ID, t.tries.step, state, why, waited); err != nil {
			return err
		}
		return t.logEvent(ctx, conn, t.tries.step, state, why)
	})
}
