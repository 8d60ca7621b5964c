package rehearse

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/size"
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

// fillTables fills the tables, and records their sizes.
func (s *releaseRun) fillTables(ctx context.Context) error {
	if !s.Rows.IsEmpty() {
		relations, err := s.readBaseRelations(ctx)
		if err != nil {
			return err
		}
		if err := s.collectDemands(ctx); err != nil {
			return err
		}
		// As the role of the migrations: constraints and defaults run code.
		s.reportPhase("fills the tables")
		room, short := s.rowBudget()
		r, err := fill.FillDatabase(ctx, s.databaseURL(s.server, s.database), s.Rows, fill.Release{
			Keep:    s.demands,
			Touches: s.touchedTables(relations),
			Room:    room,
			Told:    s.fillProgress(time.Now()),
		})
		if tooMuch := new(fill.TooMuchError); errors.As(err, &tooMuch) {
			return &config.InputError{Err: fmt.Errorf("the rows would take about %s, %s of it in %s: %s", size.FormatBytes(tooMuch.Bytes), size.FormatBytes(tooMuch.Of),
				tooMuch.Table, short)}
		}
		if err != nil {
			return fmt.Errorf("generate rows: %w", err)
		}
		for _, p := range r.Problems {
			s.addNote(fmt.Sprintf("generated rows of %s: %s", p.Relation, p.Why))
		}
		for _, u := range r.Unmet {
			s.addNote(fmt.Sprintf("no rows of %s were found that satisfy %s, which the release adds: %s", u.Demand.Table, u.Demand.Name, u.Why))
		}
	} else if s.base.from != "dump" {
		return nil
	}
	return s.recordTables(ctx)
}

// rowBudget returns how many bytes the rows may take, and what to do if they need more. A
// rewrite or an index needs additional space.
func (s *releaseRun) rowBudget() (bytes int64, short string) {
	free, location := s.server.Room()
	if half := free / 2; location != "" && half < s.MaxBytes {
		return half, fmt.Sprintf("more than half of the %s that are free in %s. Fewer rows, for fewer tables (--rows users=1e6), or TMPDIR on a larger disk",
			size.FormatBytes(free), location)
	}
	return s.MaxBytes, "more than --max-size allows. Fewer rows, for fewer tables (--rows users=1e6), or a larger --max-size"
}

// readBaseRelations reads the tables of the base, and refuses a plan for a table that it does
// not have.
func (s *releaseRun) readBaseRelations(ctx context.Context) (map[uint32]observe.Relation, error) {
	c, err := s.server.Connect(ctx, lookName, s.database)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	rels, err := observe.ListRelations(ctx, c)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range rels {
		if r.Kind == "r" || r.Kind == "p" {
			names = append(names, r.Name, r.Name[strings.IndexByte(r.Name, '.')+1:])
		}
	}
	for name := range s.Rows.Rows {
		if slices.Contains(names, name) || s.Lenient {
			continue
		}
		err := fmt.Errorf("rows for %q: the schema of the base has no such table", name)
		if nearest := config.Nearest(name, names); nearest != "" {
			err = fmt.Errorf("%w; did you mean %s?", err, nearest)
		}
		return nil, &config.InputError{Err: err}
	}
	return rels, nil
}

// touchedTables returns the tables of the base that the release touches: by the model, by its
// demands on their rows, and by name if a statement cannot be judged.
func (s *releaseRun) touchedTables(relations map[uint32]observe.Relation) []string {
	tables := map[string]bool{}
	for _, r := range relations {
		tables[r.Name] = r.Kind == "r" || r.Kind == "p"
	}
	out := map[string]bool{}
	for _, d := range s.demands {
		out[d.Table] = true
	}
	for _, m := range s.model.Migrations {
		for i := range m.Statements {
			st := &m.Statements[i]
			for _, e := range st.Effects {
				out[e.Relation] = out[e.Relation] || tables[e.Relation]
			}
			if st.Note == "" {
				continue
			}
			names := identifiers.FindAllString(st.SQL, -1)
			for name := range tables {
				if tables[name] && slices.Contains(names, name[strings.IndexByte(name, '.')+1:]) {
					out[name] = true
				}
			}
		}
	}
	maps.DeleteFunc(out, func(_ string, known bool) bool { return !known })
	return slices.Sorted(maps.Keys(out))
}

// identifiers matches words that may be names.
var identifiers = lazyregexp.New(`[\pL_][\pL\pN_$]*`)

// Progress is the current activity of a rehearsal.
type Progress struct {
	// Phase is the activity: "fills the tables".
	Phase string
	// Table is the table being filled, with Rows of Of rows done; "" in other
	// phases.
	Table    string
	Rows, Of int64
	// Left is the estimated time until the tables are filled; 0 if unknown.
	Left time.Duration
}

// reportPhase reports the next activity.
func (c *Config) reportPhase(phase string) {
	if c.Progress != nil {
		c.Progress(Progress{Phase: phase})
	}
}

// fillProgress returns a function that reports the progress of the rows.
func (c *Config) fillProgress(start time.Time) func(fill.Progress) {
	if c.Progress == nil {
		return nil
	}
	return func(p fill.Progress) {
		out := Progress{Phase: "fills the tables", Table: p.Table, Rows: p.Rows, Of: p.Of}
		if p.Done > 0 && p.All > p.Done {
			out.Left = time.Duration(float64(time.Since(start)) * float64(p.All-p.Done) / float64(p.Done))
		}
		c.Progress(out)
	}
}
