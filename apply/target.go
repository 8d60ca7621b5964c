package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/attempt"
	"github.com/onward-sql/onward/apply/internal/backfill"
	"github.com/onward-sql/onward/apply/internal/evidence"
	"github.com/onward-sql/onward/apply/internal/migrations"
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/properties"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/schemaplan"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/onward"
)

// Target is a database on which a plan is being carried out. It holds the lease until it is closed. It decides which step is next, and its
// parts run the step.
type Target struct {
	c            settings
	session      *session.Session
	record       *progress.Record
	properties   *properties.Properties
	oldCode      *evidence.OldCode
	snapshots    *evidence.OldSnapshots
	repack       *evidence.RepackQueue
	throttle     *backfill.Throttle
	backfill     *backfill.Backfill
	rows         *backfill.RowSearch
	orphans      *backfill.OrphanSearch
	attempt      *attempt.Attempt
	disconnected bool // the connection was lost: the outcome of the running step is unknown
}

// newTarget hands each part what it needs of the settings.
func newTarget(ctx context.Context, c settings) *Target {
	t := &Target{c: c, session: session.NewSession(ctx, c.DB, &run.Tries{MaxStall: c.MaxStall})}
	t.session.Replicas, t.session.Standbys, t.session.AsWritten = c.Replicas, c.standbys, c.asWritten
	t.record = progress.NewRecord(t.session, progress.Request{
		Scope: c.scope, Plan: c.Plan, Through: c.Through, To: c.To, Within: c.Within, Who: c.Who, AsWritten: c.asWritten, Undoing: c.undoing, Tell: c.Tell,
	})
	t.properties = properties.NewProperties(t.session, t.record, c.AcceptPublications, c.Role)
	signs := evidence.Config{Gone: c.Gone, Workload: c.Workload, Server: c.Server}
	if c.Evidence != nil {
		signs.Asked, signs.GoneBecause, signs.Window = true, c.Evidence.GoneBecause, c.Evidence.Window
	}
	t.oldCode = evidence.NewOldCode(t.session, t.record, signs)
	t.snapshots = evidence.NewOldSnapshots(t.session, t.record, c.AcceptOldSnapshots, c.WaitForStandbys)
	t.repack = evidence.NewRepackQueue(t.session, t.record, c.AcceptOldSnapshots, c.WaitForStandbys)
	t.throttle = backfill.NewThrottle(t.session, t.record, c.Throttle)
	t.backfill = backfill.NewBackfill(t.session, t.record, t.throttle, c.Parallel)
	t.rows = backfill.NewRowSearch(t.session, t.record, t.throttle, c.searchTime, c.mostHashes)
	t.orphans = backfill.NewOrphanSearch(t.session, t.record, t.throttle)
	t.attempt = attempt.NewAttempt(t.session, t.record, t.properties)
	return t
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
		c.wholePlan = c.Plan
		if c.Plan, err = schemaplan.PlanForSchema(c.Plan, c.scope); err != nil {
			return nil, err
		}
	}
	t := newTarget(ctx, c)
	if err := t.beginRun(ctx); err != nil {
		t.Close(ctx)
		return nil, address.RedactError(err, c.DB)
	}
	return t, nil
}

func (t *Target) beginRun(ctx context.Context) error {
	t.session.Direct = t.c.isDirect(ctx)
	if !t.session.Direct && !t.record.Scope.IsDatabase() {
		return &RefusedError{Text: "a pooler that shares sessions is between onward and the database, so no session keeps the search_path of a schema: " +
			"name the server itself"}
	}
	if err := t.session.Open(ctx); err != nil {
		return err
	}
	if err := t.session.CheckRoleSettings(t.record.Plan); err != nil {
		return err
	}
	if err := t.session.Control.Do(ctx, t.c.connectStandbys); err != nil {
		return err
	}
	t.session.Standbys = t.c.standbys
	if err := t.properties.RefuseLedger(ctx); err != nil {
		return err
	}
	if err := t.session.Control.Do(ctx, t.createLedger); err != nil {
		return err
	}
	patience := t.record.Within
	if t.c.Slice != nil {
		patience = 0
	}
	if err := t.record.TakeLease(ctx, 0, patience); err != nil {
		return err
	}
	t.record.KeepLease(ctx)
	if err := t.beginPlan(ctx); err != nil {
		return err
	}
	if err := t.record.RefuseMovedTables(ctx); err != nil {
		return err
	}
	if err := t.properties.RecordInventories(ctx); err != nil {
		return err
	}
	if err := t.oldCode.RecordSessions(ctx); err != nil {
		return err
	}
	if err := t.record.ReloadSteps(ctx); err != nil {
		return err
	}
	if err := t.checkStartedPlan(ctx); err != nil {
		return err
	}
	if err := t.properties.RefuseFunctionPaths(ctx); err != nil {
		return err
	}
	if err := t.recordMigrationsAtBegin(ctx); err != nil {
		return err
	}
	return t.properties.RefusePublications(ctx)
}

// Close releases the lease.
func (t *Target) Close(ctx context.Context) {
	t.record.EndRenewal()
	if !t.disconnected {
		t.record.ReleaseLease(ctx)
	}
	t.session.Close(ctx)
	session.CloseStandbys(ctx, t.session.Standbys)
}

// beginPlan finds the plan in the ledger, or records it there after checking the schema.
func (t *Target) beginPlan(ctx context.Context) error {
	id := ledger.PlanID(t.record.Plan)
	var list []*ledger.Plan
	var path string
	if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if list, err = progress.PlansToRun(ctx, conn, t.record.Scope); err != nil {
			return err
		}
		return conn.QueryRow(ctx, "SELECT "+live.SessionPath).Scan(&path)
	}); err != nil {
		return err
	}
	for _, p := range list {
		isSame, err := t.isSamePlan(p, id)
		if err != nil {
			return err
		}
		switch {
		case t.record.AsWritten && !isSame: // whoever made the plan has checked
		case t.record.AsWritten:
			return t.resumeLedgerPlan(ctx, p)
		case isSame && p.State == ledger.Abandoned:
			if err := t.refuseForgottenPlan(ctx, p); err != nil {
				return err
			}
		case isSame && p.State == ledger.Aborting && !t.record.Undoing:
			return progress.RefuseAborting(p, t.record.Scope)
		case isSame:
			if err := t.resumeLedgerPlan(ctx, p); err != nil {
				return err
			}
			t.record.Plan = &p.Plan // it also has the SQL for the migration tool's table
			return t.record.ClearCancel(ctx)
		case p.State == ledger.Done || p.State == ledger.Abandoned:
		case migrations.SharesMigration(&p.Plan, t.record.Plan):
			return &RefusedError{Text: fmt.Sprintf("another plan for the same migrations (%s → %s) was begun here on %s and is not at its end: "+
				"go on with that one, or take it back with onward abort --plan %s",
				p.Plan.Base, p.Plan.Head, p.Began.Format(time.DateTime), p.ID), Next: "onward status --db ADDRESS"}
		}
	}
	return t.beginNewPlan(ctx, id, path)
}

// refuseForgottenPlan refuses a plan of which steps are left in the database: it was closed, and not undone. A plan that was undone may begin again.
func (t *Target) refuseForgottenPlan(ctx context.Context, p *ledger.Plan) error {
	var steps map[string]*ledger.Step
	err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		steps, err = ledger.ReadSteps(ctx, conn, p.ID)
		return err
	})
	if err != nil || len(steps) == 0 {
		return err
	}
	return &RefusedError{Text: "this plan was closed here on " + p.Ended.Format(time.DateTime) + " with onward abort --forget, and some of its steps are left: " +
		"make a plan of the schema as it is now, with onward plan --db", Next: progress.PlanCommand(t.record.Plan, t.c.Name) + " --db ADDRESS"}
}

// isSamePlan reports whether a plan of the ledger is the one that was asked for. id is the ID of that one, as it would begin here. The schema had
// another number when a plan of a restored database was begun.
func (t *Target) isSamePlan(p *ledger.Plan, id string) (bool, error) {
	startedID := ledger.PlanID(&p.Plan) // older releases computed the ID with another hash
	if startedID == id || t.c.wholePlan == nil || p.Begun.OID == t.record.Scope.OID {
		return startedID == id, nil
	}
	moved, err := schemaplan.PlanForSchema(t.c.wholePlan, p.Begun)
	if err != nil {
		return false, err
	}
	return startedID == ledger.PlanID(moved), nil
}

// resumeLedgerPlan goes on with a plan of the ledger. The steps get its search_path and its role.
func (t *Target) resumeLedgerPlan(ctx context.Context, p *ledger.Plan) error {
	t.record.Row = p
	t.session.Path, t.session.Role = p.Path, p.Role
	return t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return t.record.Scope.FollowPlan(ctx, conn, p, schemaplan.RenameSchema(p.Last.Schema, t.record.Scope.Schema))
	})
}

// beginNewPlan records a plan in the ledger that was not started here. The plan must be proven, made for this schema, and have only allowed
// statements.
func (t *Target) beginNewPlan(ctx context.Context, id, path string) error {
	for _, check := range []func() error{
		t.refuseUnknownVersion, t.refuseWrittenPlan, t.requireProof, t.attempt.CheckPlanPermissions,
		func() error { return t.checkSchema(ctx) },
		func() error { return t.refuseLaterDrops(ctx) },
		func() error { return t.properties.RefuseLosses(ctx) },
		func() error { return t.properties.RefuseRowSecurity(ctx) },
		func() error { return t.properties.RefuseForeignRoutines(ctx, path) },
		func() error { return t.checkSuperuser(ctx) },
		func() error { return t.properties.RefusePublications(ctx) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	t.record.Plan = migrations.WithRecord(t.record.Plan, t.c.toolRows)
	t.record.Row = &ledger.Plan{ID: t.record.Scope.PlanID(id), Name: t.c.Name, Plan: *t.record.Plan, Path: path, Role: t.c.Role}
	t.session.Path, t.session.Role = path, t.c.Role
	if err := sealPlan(&t.record.Row.Plan); err != nil {
		return err
	}
	t.record.Plan = &t.record.Row.Plan
	return t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if err := ledger.DeleteUndone(ctx, conn, t.record.Row.ID); err != nil {
			return err
		}
		if err := t.record.Scope.RecordPlan(ctx, conn, t.record.Row); err != nil {
			return err
		}
		if err := t.record.LogEvent(ctx, conn, "", "plan begun", t.record.Row.Plan.Base+" → "+t.record.Row.Plan.Head); err != nil {
			return err
		}
		return t.logUnproven(ctx, conn)
	})
}

// refuseUnknownVersion refuses to begin a plan on a server whose locks and rewrites this release cannot know.
func (t *Target) refuseUnknownVersion() error {
	major := live.ServerMajor(t.session.Work)
	if major <= onward.PreviewMajor || t.c.UnknownVersion {
		return nil
	}
	return &RefusedError{Text: fmt.Sprintf("nothing was begun: a step may lock or rewrite more on Postgres %d than on %d, "+
		"the newest on which this release of onward was proven. Use a newer release of onward, or accept that with --unknown-version", major, onward.PreviewMajor)}
}

// checkSchema compares the schema with the one that the plan was made for.
func (t *Target) checkSchema(ctx context.Context) error {
	if t.record.AsWritten {
		return nil
	}
	schema, err := t.readDeployedSchema(ctx)
	if err != nil {
		return err
	}
	names := t.record.Plan.Relations()
	deployed := make([]string, len(names))
	for i, name := range names {
		deployed[i] = schemaplan.DeployedRelation(name, t.record.Scope)
	}
	if hash := schema.Catalog.HashRelations(deployed); hash != t.record.Plan.Catalog {
		return &RefusedError{Text: fmt.Sprintf("the plan is for another schema: columns, types, NOT NULL and constraints of %s are not those that it was made for. "+
			"Either this is another database, or something was applied since: make the plan anew, with onward plan --db", strings.Join(names, ", ")),
			Next: progress.PlanCommand(t.record.Plan, t.c.Name) + " --db ADDRESS"}
	}
	return nil
}

// readDeployedSchema reads the deployed schema, for the comparison with the one that the plan was made for. A schema of a database is read alone, and
// as if its name was public.
func (t *Target) readDeployedSchema(ctx context.Context) (*live.Schema, error) {
	if t.record.Scope.IsDatabase() {
		return live.ReadSchema(ctx, t.session.URL)
	}
	return live.ReadSchemaAsPublic(ctx, t.session.URL, t.c.Schema)
}

// createLedger creates or upgrades the ledger, which is the schema onward_ledger. It also checks the schema onward, which holds the cursors of
// backfills, before anything uses one.
func (t *Target) createLedger(ctx context.Context, conn *pgx.Conn) error {
	if err := ledger.CreateLedger(ctx, conn, t.c.Role); err != nil {
		return err
	}
	return (&ownschema.Schema{Name: onward.PlanRoom}).Check(ctx, conn, t.c.Role)
}
