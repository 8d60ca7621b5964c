package rehearse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Stage is a throwaway server with the schema of the deployed release. It is for code
// that examines a release step by step, or needs its schema.
type Stage struct {
	v     *version
	reads bool // the stage has read the release, and closes it
}

// Point is a moment of a release at which other sessions see a new state of the schema.
type Point struct {
	// Base: nothing of the release has run. Discard earlier points: the release begins,
	// or begins again.
	Base bool
	// Migration is the index in [onward.Report.Migrations]. Statements are the indices
	// of its statements that were committed; the last one is at Path and Line.
	Migration  int
	Statements []int
	Path       string
	Line       int
	// Database is its name on the stage's server, URL its address as the role of the
	// migrations.
	Database, URL string
	// Conn is a superuser's session there, opened by [pgserver.Server.Connect]. It may
	// be used until the visit ends.
	Conn *pgx.Conn
}

// Stop says where a release failed.
type Stop struct {
	Migration int // as in Point
	Path      string
	Line      int // 0 if no statement was refused
	Err       error
}

// Open reads a release and creates its base schema on a throwaway server, or on
// c.Server, with empty tables. The errors are the same as for [Run].
func Open(ctx context.Context, c Config) (*Stage, error) { return openRelease(ctx, c, false) }

// OpenTolerant is [Open] for a history that may not run from its beginning any more: it skips the statements that the server refuses.
// [Stage.Refused] has them. The caller must check that the tables it needs are still the deployed ones.
func OpenTolerant(ctx context.Context, c Config) (*Stage, error) { return openRelease(ctx, c, true) }

// OpenRelease is [Open] for a release that was read with c, and its report. The stage does not close the release.
func OpenRelease(ctx context.Context, c Config, release *audit.Release, report *onward.Report) (*Stage, error) {
	return openStage(ctx, c, release, report, false)
}

func openRelease(ctx context.Context, c Config, tolerant bool) (*Stage, error) {
	release, err := audit.Read(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	report, err := release.Audit()
	if err != nil {
		return nil, errors.Join(err, release.Close())
	}
	s, err := openStage(ctx, c, release, report, tolerant)
	if err != nil {
		return nil, errors.Join(err, release.Close())
	}
	s.reads = true
	return s, nil
}

func positiveOr[T ~int64](x, otherwise T) T {
	if x > 0 {
		return x
	}
	return otherwise
}

func openStage(ctx context.Context, c Config, release *audit.Release, report *onward.Report, tolerant bool) (*Stage, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limit, c.MaxBytes, c.Rows = positiveOr(c.Limit, defaultLimit), positiveOr(c.MaxBytes, defaultMaxBytes), Rows{}
	majors, reason := c.chooseMajors(report)
	v := &version{Config: c, release: release, steps: parseSteps(release), report: report, major: majors[0], out: &onward.Rehearsal{}, tolerant: tolerant}
	v.reportPhase(v.describeStart())
	err := v.startServer(ctx)
	if missing := new(pgserver.MissingError); reason == byDefault && errors.As(err, &missing) {
		v.major = 0
		err = v.startServer(ctx)
	}
	if err != nil {
		return nil, err
	}
	v.major = v.server.Major()
	return &Stage{v: v}, nil
}

// Close stops the server, or drops everything that was created on it.
func (s *Stage) Close() error {
	err := s.v.server.Stop()
	if s.reads {
		err = errors.Join(err, s.v.release.Close())
	}
	return err
}

// Report returns the report of the release.
func (s *Stage) Report() *onward.Report { return s.v.report }

// Major returns the server's major version.
func (s *Stage) Major() int { return s.v.major }

// Release returns the release that the stage was opened for.
func (s *Stage) Release() *audit.Release { return s.v.release }

// Notes say what the base is made of, and what was left out of it.
func (s *Stage) Notes() []string { return s.v.base.Notes }

// Refused are the statements of the base's history that a tolerant stage skipped, with their places and the server's errors.
func (s *Stage) Refused() []string { return s.v.base.Refused }

// Server returns the server itself.
func (s *Stage) Server() *pgserver.Server { return s.v.server }

// Copy creates a database with the deployed schema, and returns its name.
func (s *Stage) Copy(ctx context.Context) (string, error) { return s.v.copyBase(ctx) }

// Empty creates a database without a schema, which belongs to the role of the migrations.
func (s *Stage) Empty(ctx context.Context) (string, error) { return s.v.copyDatabase(ctx, "") }

// CopyOf copies such a database, to which nobody may be connected.
func (s *Stage) CopyOf(ctx context.Context, database string) (string, error) {
	return s.v.copyDatabase(ctx, database)
}

// Drop drops such a database.
func (s *Stage) Drop(ctx context.Context, database string) { s.v.dropDatabase(ctx, database) }

// URL returns the address of a database of the server, as the role of the migrations.
func (s *Stage) URL(database string) string { return s.v.databaseURL(s.v.server, database) }

// Walk runs the release, and calls visit at its base and after each of its commits. If
// a migration names a role or a bookkeeping table that does not exist, that is created
// and the release begins again, with a visit of the base.
//
// If the release fails, stop says where; otherwise it is nil. The error comes from
// visit, or from a failure outside of the release.
func (s *Stage) Walk(ctx context.Context, visit func(context.Context, Point) error) (stop *Stop, err error) {
	w := &walker{visit: visit}
	var conn *pgx.Conn
	leave := func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}
	defer func() { leave() }()
	p, err := s.v.runUnobserved(ctx, w, func(db string) (err error) {
		leave()
		if conn, err = s.v.server.Connect(ctx, "", db); err != nil {
			return err
		}
		w.point = Point{Base: true, Database: db, URL: s.v.databaseURL(s.v.server, db), Conn: conn}
		return w.visitPoint(ctx)
	})
	if w.err != nil {
		return nil, w.err
	}
	if err != nil {
		return nil, err
	}
	leave()
	conn = nil
	s.v.dropDatabase(ctx, p.database)
	if p.failedStep == nil {
		return nil, nil
	}
	stop = &Stop{Migration: p.failedStep.Report, Path: p.failedStep.Path, Err: p.err}
	if p.stop != nil {
		stop.Err = p.stop.err
		if p.stop.statement != nil {
			stop.Line = p.stop.statement.Line
		}
	}
	return stop, nil
}

// walker follows a run of the release, and calls visit for its commits.
type walker struct {
	runner *runner
	visit  func(context.Context, Point) error
	point  Point
	err    error // of visit
	// pendingStatements are the statements that are not committed yet.
	pendingStatements []*script.Statement
}

// errVisit ends a walk. It wraps nothing, because server errors in the chain would
// count as a migration's.
var errVisit = errors.New("the visit ended the walk")

func (w *walker) visitPoint(ctx context.Context) error {
	if w.err = w.visit(ctx, w.point); w.err != nil {
		return errVisit
	}
	return nil
}

// startMigration is called for each migration before it runs.
func (w *walker) startMigration(r *runner, s *step) {
	w.runner, w.pendingStatements = r, nil
	w.point.Base, w.point.Migration, w.point.Path = false, s.Report, s.Path
}

func (w *walker) onTransactionBegin(context.Context, bool) error {
	w.pendingStatements = nil
	return nil
}

func (w *walker) runStatement(ctx context.Context, s *script.Statement, inside bool) error {
	err := w.runner.withLimit(ctx, func(ctx context.Context) error {
		_, err := w.runner.execStatement(ctx, s)
		return err
	})
	if err != nil {
		return err
	}
	w.pendingStatements = append(w.pendingStatements, s)
	if !inside && w.runner.txStatus() == 'I' {
		return w.onTransactionEnd(ctx, true)
	}
	return nil
}

func (w *walker) onTransactionEnd(ctx context.Context, committed bool) error {
	done := w.pendingStatements
	w.pendingStatements = nil
	if !committed || len(done) == 0 {
		return nil
	}
	w.point.Statements, w.point.Line = nil, done[len(done)-1].Line
	for _, s := range done {
		w.point.Statements = append(w.point.Statements, s.Index)
	}
	return w.visitPoint(ctx)
}

// onSavepointRollback does nothing: which statements were rolled back is unknown, so all of them
// are reported.
func (w *walker) onSavepointRollback(context.Context) error { return nil }

func (w *walker) onNotice(*pgconn.Notice) {}

// String says where a release failed.
func (s *Stop) String() string {
	if s.Line == 0 {
		return fmt.Sprintf("%s: %v", s.Path, s.Err)
	}
	return fmt.Sprintf("%s:%d: %v", s.Path, s.Line, s.Err)
}

// MakeRoles creates roles that statements name, if the stage has a server of its own.
// They have no rights. A role that exists, or that cannot be created, is skipped.
func (s *Stage) MakeRoles(ctx context.Context, names []string) error {
	if s.v.Server != "" {
		return nil
	}
	for _, name := range names {
		if err := s.v.makeRole(ctx, s.v.server, name); err != nil && !isStatementFailure(err) {
			return err
		}
	}
	return nil
}

// step is a migration of the release with its statements.
type step struct {
	audit.Step
	script *script.Script // nil if err is not
	err    error          // why the text could not be parsed
}

// parseSteps parses the migrations of a release, once for all uses.
func parseSteps(r *audit.Release) []*step {
	var out []*step
	for _, s := range r.Steps() {
		sc, err := script.BuildScript(s.Source)
		out = append(out, &step{s, sc, err})
	}
	return out
}

// isRunnable reports whether the migration tool would run it, and the rehearsal can.
func (s *step) isRunnable() bool { return s.err == nil && s.Failed == "" && !s.Applied }

// firstStatement returns the statement at which findings about the whole migration are
// reported.
func (s *step) firstStatement() *script.Statement {
	if list := s.script.Statements; len(list) > 0 {
		return list[0]
	}
	return script.NewStatement(1, 1)
}
