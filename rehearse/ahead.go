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

// aheadLimit bounds the statements of a release that runs to see what it asks for.
const aheadLimit = 20 * time.Second

// lookAhead runs the release on empty tables, and reads what it asks of the rows
// that are there before it: those that are generated shall meet it, so that what
// the release does is watched on full tables to its end.
func (v *version) lookAhead(ctx context.Context) error {
	if v.demands != nil {
		return nil
	}
	v.demands = []*fill.Demand{}
	v.phase("runs the release on empty tables, to see what it demands of rows")
	side, err := v.aside(ctx)
	if side == nil || err != nil {
		return err
	}
	var base *fill.Shape
	run, err := side.through(ctx, nil, func(db string) (err error) {
		base, err = fill.Read(ctx, side.url(side.server, db))
		return err
	})
	if err != nil {
		return err
	}
	defer side.drop(ctx, run.database)
	head, err := fill.Read(ctx, side.url(side.server, run.database))
	if servers(err) {
		v.Logger.Debug("the schema behind the release cannot be read", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the schema behind the release: %w", err)
	}
	v.demands = base.Demands(head)
	for _, d := range v.demands {
		v.Logger.Debug("the release demands", "table", d.Table, "columns", d.Columns, "name", d.Name, "condition", d.Condition)
	}
	return nil
}

// aside is a place to run the release in beside the one that is watched: a server of
// its own, because roles that a release makes belong to the server. nil: there is none.
func (v *version) aside(ctx context.Context) (*version, error) {
	if v.side != nil {
		return v.side, nil
	}
	side := *v
	side.Rows, side.out, side.side, side.roles, side.books = Rows{}, &onward.Rehearsal{}, nil, nil, nil
	side.supplies, side.skip = nil, nil
	side.Progress = nil
	side.Limit = min(v.Limit, aheadLimit)
	if v.Server == "" {
		side.server, side.base, side.taken = nil, nil, false
		if err := side.start(ctx); err != nil {
			return nil, fmt.Errorf("a second server: %w", err)
		}
		v.side = &side
		return v.side, nil
	}
	if _, makes, err := v.rolesMade(); makes || err != nil {
		return nil, err
	}
	v.side = &side
	return v.side, nil
}

// leave gives up the place beside.
func (v *version) leave(ctx context.Context) {
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

// passage is a release that ran unwatched.
type passage struct {
	database string
	// stop says where it ended before its end, and at is the migration.
	stop *stopped
	at   *step
	err  error // where the server answered no more
}

// through runs the release in a database of its own, which is prepared first. What
// of its last migration goes through stays, unless somebody walks along: it is no
// commit of the release's. w is nil for nobody.
func (v *version) through(ctx context.Context, w *walker, prepare func(db string) error) (*passage, error) {
	for range maxScenes {
		db, err := v.copy(ctx)
		if err != nil {
			return nil, err
		}
		p := &passage{database: db}
		again := false
		if err = prepare(db); err == nil {
			again, err = v.pass(ctx, p, w)
		}
		if err == nil && !again {
			return p, nil
		}
		v.drop(ctx, db)
		if err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the release names more than %d roles and tables of its tool that do not exist", maxScenes)
}

// pass runs the migrations. again: something was missing, and was made.
func (v *version) pass(ctx context.Context, p *passage, w *walker) (again bool, err error) {
	var watch watcher
	if w != nil {
		watch = w
	}
	r, err := newRunner(ctx, v.server, v, p.database, watch)
	if err != nil {
		return false, err
	}
	defer r.close(ctx)
	for _, step := range v.steps {
		if !step.runs() {
			continue
		}
		if w != nil {
			w.begins(r, step)
		}
		stop, err := r.migration(ctx, step.Migration, step.script)
		if err != nil && !servers(err) {
			return false, err
		}
		if again, err := v.missing(ctx, p.database, step, stop); again || err != nil {
			return again, err
		}
		if stop == nil && err == nil {
			continue
		}
		p.stop, p.at, p.err = stop, step, err
		if w == nil && stop != nil && stop.statement != nil && !r.conn.IsClosed() {
			if _, err := r.migration(ctx, step.Migration, short(step.script, stop.statement)); err != nil && !servers(err) {
				return false, err
			}
		}
		return false, nil
	}
	return false, nil
}

// short is what of a migration has not committed when a statement fails, up to
// that statement.
func short(sc *script.Script, at *script.Statement) *script.Script {
	rest := *uncommitted(sc, at)
	rest.Statements = slices.Clone(rest.Statements)
	if n := slices.Index(rest.Statements, at); n >= 0 {
		rest.Statements = rest.Statements[:n]
	}
	return &rest
}
