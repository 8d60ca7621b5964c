package rehearse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// aheadLimit limits each statement of the run that finds out which rows the release
// needs.
const aheadLimit = 20 * time.Second

// collectDemands runs the release on empty tables and reads what it demands of existing
// rows. The generated rows then meet these demands, so that the release can be observed
// on full tables to its end.
func (v *version) collectDemands(ctx context.Context) error {
	if v.demands != nil {
		return nil
	}
	v.demands = []*fill.Demand{}
	v.reportPhase("runs the release on empty tables, to see what it demands of rows")
	side, err := v.openSideRun(ctx)
	if side == nil || err != nil {
		return err
	}
	var base *fill.Shape
	run, err := side.runUnobserved(ctx, nil, func(db string) (err error) {
		base, err = fill.Read(ctx, side.databaseURL(side.server, db))
		return err
	})
	if err != nil {
		return err
	}
	defer side.dropDatabase(ctx, run.database)
	head, err := fill.Read(ctx, side.databaseURL(side.server, run.database))
	if isStatementFailure(err) {
		v.Logger.Debug("the schema after the release cannot be read", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the schema after the release: %w", err)
	}
	v.demands = base.ListDemands(head)
	for _, d := range v.demands {
		v.Logger.Debug("the release demands", "table", d.Table, "columns", d.Columns, "name", d.Name, "condition", d.Condition)
	}
	return nil
}

// openSideRun returns a second place to run the release, besides the observed one. It is a
// separate server, because roles that a release makes belong to the server. It returns
// nil if there is none.
func (v *version) openSideRun(ctx context.Context) (*version, error) {
	if v.side != nil {
		return v.side, nil
	}
	side := *v
	side.Rows, side.out, side.side, side.roles, side.bookkeepingDDL = Rows{}, &onward.Rehearsal{}, nil, nil, nil
	side.supplies, side.skip = nil, nil
	side.Progress = nil
	side.Limit = min(v.Limit, aheadLimit)
	if v.Server == "" {
		side.server, side.base, side.baseUsed = nil, nil, false
		if err := side.startServer(ctx); err != nil {
			return nil, fmt.Errorf("a second server: %w", err)
		}
		v.side = &side
		return v.side, nil
	}
	if _, makes, err := v.listCreatedRoles(); makes || err != nil {
		return nil, err
	}
	v.side = &side
	return v.side, nil
}

// stopSideServer stops the second server.
func (v *version) stopSideServer(ctx context.Context) {
	if v.side == nil || v.Server != "" {
		return
	}
	if v.atEnd != nil {
		v.atEnd(ctx, v.side.server)
	}
	if err := v.side.server.Stop(); err != nil {
		v.Logger.Debug("stop the second server", "error", err)
	}
}

// unobservedRun is an unobserved run of the release.
type unobservedRun struct {
	database string
	// stop is the place where it ended early, if it did; failedStep is the migration.
	stop       *migrationFailure
	failedStep *step
	err        error // set if the server stopped answering
}

// runUnobserved runs the release in a database of its own, which prepare sets up first. If
// the last migration fails, the statements that it ran stay, unless there is a walker,
// because the release does not commit them. w may be nil.
func (v *version) runUnobserved(ctx context.Context, w *walker, prepare func(db string) error) (*unobservedRun, error) {
	for range maxScenes {
		db, err := v.copyBase(ctx)
		if err != nil {
			return nil, err
		}
		p := &unobservedRun{database: db}
		needsRerun := false
		if err = prepare(db); err == nil {
			needsRerun, err = v.runMigrationsOnce(ctx, p, w)
		}
		if err == nil && !needsRerun {
			return p, nil
		}
		v.dropDatabase(ctx, db)
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the release names more than %d roles and tables of its tool that do not exist", maxScenes)
}

// runMigrationsOnce runs the migrations. needsRerun: something was missing, and was created.
func (v *version) runMigrationsOnce(ctx context.Context, p *unobservedRun, w *walker) (needsRerun bool, err error) {
	var watch watcher
	if w != nil {
		watch = w
	}
	r, err := newRunner(ctx, v.server, v, p.database, watch)
	if err != nil {
		return false, err
	}
	defer r.closeConn(ctx)
	for _, step := range v.steps {
		if !step.isRunnable() {
			continue
		}
		if w != nil {
			w.startMigration(r, step)
		}
		stop, err := r.runMigration(ctx, step.Migration, step.script)
		if err != nil && !isStatementFailure(err) {
			return false, err
		}
		if needsRerun, err := v.resolveMissing(ctx, p.database, step, stop); needsRerun || err != nil {
			return needsRerun, err
		}
		if stop == nil && err == nil {
			continue
		}
		p.stop, p.failedStep, p.err = stop, step, err
		if w == nil && stop != nil && stop.statement != nil && !r.conn.IsClosed() {
			if _, err := r.runMigration(ctx, step.Migration, uncommittedBefore(step.script, stop.statement)); err != nil && !isStatementFailure(err) {
				return false, err
			}
		}
		return false, nil
	}
	return false, nil
}

// uncommittedBefore returns the statements of a migration that are not committed when the statement
// at fails, up to that statement.
func uncommittedBefore(sc *script.Script, statement *script.Statement) *script.Script {
	rest := *uncommittedPart(sc, statement)
	rest.Statements = slices.Clone(rest.Statements)
	if n := slices.Index(rest.Statements, statement); n >= 0 {
		rest.Statements = rest.Statements[:n]
	}
	return &rest
}
