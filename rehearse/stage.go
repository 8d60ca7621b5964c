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

// Stage is a throwaway server with the schema of the deployed release in it: what
// looks at a release step by step, or needs its schema, begins with it.
type Stage struct {
	v *version
}

// Point is a moment of a release at which other sessions see a new state of the schema.
type Point struct {
	// Base: nothing of the release has run. What was noted before is of no worth: the
	// release begins, or begins anew.
	Base bool
	// Migration is the index in [onward.Report.Migrations], Statements are the indices
	// of its statements that were committed; the last one stands at Path and Line.
	Migration  int
	Statements []int
	Path       string
	Line       int
	// Database is its name on the stage's server, URL its address as the role of the
	// migrations.
	Database, URL string
	// Conn is a superuser's session there, which trusts nothing in the database. It may
	// be used until the visit ends.
	Conn *pgx.Conn
}

// Stop says where a release ended before its end.
type Stop struct {
	Migration int // as in Point
	Path      string
	Line      int // 0 where no statement was refused
	Err       error
}

// Open reads a release and makes the schema of its base on a throwaway server, or on
// c.Server, with empty tables. The errors are those of [Run].
func Open(ctx context.Context, c Config) (*Stage, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limit, c.MaxBytes, c.Rows = orElse(c.Limit, defaultLimit), orElse(c.MaxBytes, defaultMaxBytes), Rows{}
	release, err := audit.Read(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, c, release)
	if err != nil {
		return nil, errors.Join(err, release.Close())
	}
	return s, nil
}

func orElse[T ~int64](x, otherwise T) T {
	if x > 0 {
		return x
	}
	return otherwise
}

func open(ctx context.Context, c Config, release *audit.Release) (*Stage, error) {
	report, err := release.Audit()
	if err != nil {
		return nil, err
	}
	majors, why := c.majors(report)
	v := &version{Config: c, release: release, steps: stepsOf(release), report: report, major: majors[0], out: &onward.Rehearsal{}}
	v.phase(v.starting())
	err = v.start(ctx)
	if missing := new(pgserver.MissingError); why == byDefault && errors.As(err, &missing) {
		v.major = 0
		err = v.start(ctx)
	}
	if err != nil {
		return nil, err
	}
	v.major = v.server.Major()
	return &Stage{v}, nil
}

// Close stops the server, or drops what was made on it.
func (s *Stage) Close() error {
	return errors.Join(s.v.server.Stop(), s.v.release.Close())
}

// Report is the audit's of the release.
func (s *Stage) Report() *onward.Report { return s.v.report }

// Major is the server's major version.
func (s *Stage) Major() int { return s.v.major }

// Release is what the stage was opened for.
func (s *Stage) Release() *audit.Release { return s.v.release }

// Notes say what the base is made of, and what was left out of it.
func (s *Stage) Notes() []string { return s.v.base.Notes }

// Server is the server itself.
func (s *Stage) Server() *pgserver.Server { return s.v.server }

// Copy makes a database with the deployed schema, and gives its name.
func (s *Stage) Copy(ctx context.Context) (string, error) { return s.v.copy(ctx) }

// CopyOf makes a copy of such a database, to which nobody is connected.
func (s *Stage) CopyOf(ctx context.Context, database string) (string, error) {
	return s.v.copyOf(ctx, database)
}

// Drop drops such a database.
func (s *Stage) Drop(ctx context.Context, database string) { s.v.drop(ctx, database) }

// URL is the address of a database of the server, as the role of the migrations.
func (s *Stage) URL(database string) string { return s.v.url(s.v.server, database) }

// Walk runs the release, and calls visit at its base and whenever something of it has
// been committed. Where a migration names a role or a table of its tool that is not
// there, that is made and the release begins anew, with a visit of the base.
//
// The release may end before its end: stop says where, and is nil when it did not.
// The error is visit's, or what went wrong beside the release.
func (s *Stage) Walk(ctx context.Context, visit func(context.Context, Point) error) (stop *Stop, err error) {
	w := &walker{v: s.v, visit: visit}
	var conn *pgx.Conn
	leave := func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}
	defer func() { leave() }()
	p, err := s.v.through(ctx, w, func(db string) (err error) {
		leave()
		if conn, err = s.v.server.Connect(ctx, "", db); err != nil {
			return err
		}
		w.point = Point{Base: true, Database: db, URL: s.v.url(s.v.server, db), Conn: conn}
		return w.tell(ctx)
	})
	if w.err != nil {
		return nil, w.err
	}
	if err != nil {
		return nil, err
	}
	leave()
	conn = nil
	s.v.drop(ctx, p.database)
	if p.at == nil {
		return nil, nil
	}
	stop = &Stop{Migration: p.at.Report, Path: p.at.Path, Err: p.err}
	if p.stop != nil {
		stop.Err = p.stop.err
		if p.stop.statement != nil {
			stop.Line = p.stop.statement.Line
		}
	}
	return stop, nil
}

// walker is told of a release's course, and tells of its commits.
type walker struct {
	v      *version
	runner *runner
	visit  func(context.Context, Point) error
	point  Point
	err    error // of visit
	// done are the statements that are not committed yet.
	done []*script.Statement
}

// errVisit ends a walk. It wraps nothing: the server's errors are a migration's here.
var errVisit = errors.New("the visit ended the walk")

func (w *walker) tell(ctx context.Context) error {
	if w.err = w.visit(ctx, w.point); w.err != nil {
		return errVisit
	}
	return nil
}

// begins is told of each migration before it runs.
func (w *walker) begins(r *runner, s *step) {
	w.runner, w.done = r, nil
	w.point.Base, w.point.Migration, w.point.Path = false, s.Report, s.Path
}

func (w *walker) opened(context.Context, bool) error { w.done = nil; return nil }

func (w *walker) statement(ctx context.Context, s *script.Statement, inside bool) error {
	err := w.runner.bounded(ctx, func(ctx context.Context) error {
		_, err := w.runner.exec(ctx, s)
		return err
	})
	if err != nil {
		return err
	}
	w.done = append(w.done, s)
	if !inside && w.runner.status() == 'I' {
		return w.ended(ctx, true)
	}
	return nil
}

func (w *walker) ended(ctx context.Context, committed bool) error {
	done := w.done
	w.done = nil
	if !committed || len(done) == 0 {
		return nil
	}
	w.point.Statements, w.point.Line = nil, done[len(done)-1].Line
	for _, s := range done {
		w.point.Statements = append(w.point.Statements, s.Index)
	}
	return w.tell(ctx)
}

// rewound: which statements are gone is not known; all are told.
func (w *walker) rewound(context.Context) error { return nil }

func (w *walker) notice(*pgconn.Notice) {}

// String says where a release ended.
func (s *Stop) String() string {
	if s.Line == 0 {
		return fmt.Sprintf("%s: %v", s.Path, s.Err)
	}
	return fmt.Sprintf("%s:%d: %v", s.Path, s.Line, s.Err)
}

// MakeRoles makes roles that statements name, if the stage has a server of its own. They may do nothing. A role that is
// there, or that cannot be made, stays as it is.
func (s *Stage) MakeRoles(ctx context.Context, names []string) error {
	if s.v.Server != "" {
		return nil
	}
	for _, name := range names {
		if err := s.v.makeRole(ctx, s.v.server, name); err != nil && !servers(err) {
			return err
		}
	}
	return nil
}
