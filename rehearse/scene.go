package rehearse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/onward"
)

// scene is one run of the release, in a database of its own.
type scene struct {
	*version
	database string
	runner   *runner
	sampler  *sampler
	timed    bool
	load     *traffic.Load
	log      *traffic.Log // once it has ended
	zero     time.Time
	out      *onward.Rehearsal

	// What is under way.
	migration  int                // index in Report.Migrations
	statements []onward.Statement // what the model says of them
	script     *script.Script
	// rels is what there was before the statement that runs.
	rels map[uint32]observe.Relation
	// born are the relations that the release made.
	born map[uint32]bool
	tx   *transaction
	// outer: what statements run inside themselves is not seen.
	outer bool
	// read counts the rows that were read in sequence so far.
	read map[uint32]int64
	lsn  int64
	// expected are the locks that the model has the transaction hold.
	expected map[uint32]onward.Lock
	notices  []notice
	// stop says where the release ended before its end.
	stop     *stopped
	stopStep *step
	// unrun is the code of the release that was left out last; "" for none.
	unrun string
	// emptied is the index of the first statement that ran with empty tables
	// because an earlier one failed on rows; -1 for none.
	emptied int
	held    []traffic.Held
}

// transaction is what is open.
type transaction struct {
	begun time.Time
	held  map[uint32]onward.Lock
	modes map[uint32]modes
	// before is what it held before the statement that runs.
	before map[uint32]onward.Lock
	// open are the observations whose locks the transaction still holds.
	open []place
	// rewritten: a table that was there before has been.
	rewritten bool
}

// place is an observation: of which statement, and which of its.
type place struct{ statement, observed int }

// scene makes a database with the base schema, and rows.
func (v *version) scene(ctx context.Context) (*scene, error) {
	s := &scene{version: v, timed: v.timed(), born: map[uint32]bool{}, emptied: -1, out: &onward.Rehearsal{
		Postgres: v.major, Version: v.server.Version(), Superuser: v.Superuser, Seed: v.Rows.Seed,
		Base:   onward.RehearsalBase{From: v.base.from, Migrations: v.base.migrations, Cached: v.base.cached},
		Tables: []onward.RehearsedTable{}, Transactions: []onward.RehearsedTransaction{}, Statements: []onward.RehearsedStatement{},
		Differences: []onward.Difference{}, Notes: slices.Concat([]string{}, v.base.Notes, v.given),
	}}
	var err error
	if s.database, err = v.stage(ctx); err != nil {
		return nil, err
	}
	if err := s.rows(ctx); err != nil {
		return nil, err
	}
	if err := v.prepareNested(ctx, s.database); err != nil {
		s.outer = true
		s.note("statements in functions were not seen one by one: " + err.Error())
	}
	if s.runner, err = newRunner(ctx, v.server, v, s.database, s); err != nil {
		return nil, err
	}
	if s.sampler, err = newSampler(ctx, v, s.database, s.runner.conn.PgConn().PID()); err != nil {
		s.runner.close(ctx)
		return nil, err
	}
	return s, nil
}

// stage is the database for the release: the base itself, where nothing else
// will need a copy of it, because copying is half of a short rehearsal's time.
func (v *version) stage(ctx context.Context) (string, error) {
	if v.Server != "" || v.needsCopies() {
		return v.copy(ctx)
	}
	if v.taken {
		// The server's cluster is a copy of the cache's: take another one.
		if err := v.server.Stop(); err != nil {
			return "", err
		}
		if err := v.start(ctx); err != nil {
			return "", err
		}
		for _, role := range slices.Clone(v.roles) {
			if err := v.makeRole(ctx, v.server, role); err != nil {
				return "", err
			}
		}
	}
	v.taken = true
	return v.base.database, v.welcome(ctx, v.server, v.base.database)
}

// needsCopies reports whether the base is needed again after the release ran.
func (v *version) needsCopies() bool {
	if v.Down {
		return true
	}
	return slices.ContainsFunc(v.steps, func(s *step) bool { return s.runs() && divisible(s.script) })
}

// copy makes a database with the base schema.
func (v *version) copy(ctx context.Context) (string, error) { return v.copyOf(ctx, v.base.database) }

// copyOf copies a database that nobody is connected to.
func (v *version) copyOf(ctx context.Context, template string) (string, error) {
	name, err := v.server.NewDatabase(ctx, template)
	if err != nil || v.Server != "" {
		return name, err
	}
	// The base is out of the release's reach.
	if err := execAll(ctx, v.server, "", "", "ALTER DATABASE "+name+" OWNER TO "+roleName, "ALTER DATABASE "+v.base.database+" OWNER TO CURRENT_USER", admit(name)); err != nil {
		return "", err
	}
	return name, v.welcome(ctx, v.server, name)
}

func (s *scene) note(text string) {
	if !slices.Contains(s.out.Notes, text) {
		s.out.Notes = append(s.out.Notes, text)
	}
}

func (s *scene) close(ctx context.Context) {
	// Whatever the context says, nothing stays open.
	ctx = context.WithoutCancel(ctx)
	if s.load != nil {
		s.load.Stop()
	}
	s.sampler.close(ctx)
	s.runner.close(ctx)
	s.drop(ctx, s.database)
}

// drop gives a database up. One without rows goes with its server.
func (v *version) drop(ctx context.Context, db string) {
	if db == "" || v.taken || v.Server == "" && v.empty() {
		return
	}
	if err := v.server.DropDatabase(context.WithoutCancel(ctx), db); err != nil {
		v.Logger.Debug("drop a database of the rehearsal", "error", err)
	}
}

// play runs the release. again says that it must begin anew, because a role
// that it names had to be made.
func (s *scene) play(ctx context.Context) (again bool, err error) {
	if s.rels, err = observe.Relations(ctx, s.runner.look); err != nil {
		return false, err
	}
	s.meant()
	if err := s.inherited(ctx, s.runner.look); err != nil {
		return false, err
	}
	if s.Traffic || s.LongTransaction > 0 {
		if err := s.startTraffic(ctx); err != nil {
			return false, err
		}
	}
	s.zero = time.Now()
	for _, step := range s.steps {
		if why := unplayed(step); why != "" {
			s.note(step.ID + " " + why)
			continue
		}
		s.migration, s.statements, s.script = step.Report, s.model.Migrations[step.Report].Statements, step.script
		for _, o := range step.Opaque {
			s.note(fmt.Sprintf("%s: %s was not run", step.ID, o.What))
			s.unrun = step.ID + ": " + o.What
		}
		stop, err := s.attempts(ctx, step)
		if err != nil {
			return false, err
		}
		if again, err := s.missing(ctx, s.database, step, stop); again || err != nil {
			return again, err
		}
		if stop != nil {
			s.fail(stop)
			if stop, err = s.withoutRows(ctx, step, stop); err != nil {
				return false, err
			}
		}
		if stop != nil {
			s.stop, s.stopStep = stop, step
		}
		s.caught(step, stop)
		if err := s.inspect(ctx, s.runner.look, step, step.script, stop); err != nil {
			return false, err
		}
		if stop != nil {
			break
		}
	}
	s.out.DurationMS = s.at(time.Now())
	for _, n := range s.runner.notes {
		s.note(n)
	}
	s.judgeTraffic()
	return false, nil
}

// unplayed is why a step is not rehearsed; "" when it is.
func unplayed(step *step) string {
	switch {
	case step.Applied:
		return "stands for migrations that are applied, so its runner does not run it"
	case step.Failed != "":
		return "could not be read, so it was not rehearsed: " + step.Failed
	case step.err != nil:
		return "was not rehearsed: " + step.err.Error()
	}
	return ""
}

// withoutRows runs what is left of a migration that failed on generated rows
// again, with all tables empty: whether the rows are to blame, and how the release
// goes on. It gives what stops it even so.
func (s *scene) withoutRows(ctx context.Context, step *step, stop *stopped) (*stopped, error) {
	if len(s.out.Tables) == 0 || s.Dump != "" || s.emptied >= 0 || !blamesRows(stop.err) || s.runner.conn.IsClosed() {
		return stop, nil
	}
	s.stopTraffic() // it reads and writes rows that are about to go
	// As the role of the migrations, in a session of its own: triggers run code.
	if err := s.asMigrations(ctx, s.server, s.database, emptyTables); servers(err) {
		return stop, nil
	} else if err != nil {
		return stop, fmt.Errorf("empty the tables: %w", err)
	}
	s.emptied = len(s.out.Statements)
	var err error
	if s.rels, err = observe.Relations(ctx, s.runner.look); err != nil {
		return stop, err
	}
	again, err := s.runner.migration(ctx, step.Migration, uncommitted(step.script, stop.statement))
	if err != nil {
		return stop, err
	}
	if again != nil {
		s.fail(again)
		return again, nil
	}
	text := step.ID + " failed on the generated rows; from there on the rehearsal went on with empty tables"
	if s.log != nil {
		text += ", without traffic"
	}
	if s.unrun == "" {
		s.withRows(step, stop)
	} else {
		text += ". That may be because code was not run that fills them: " + s.unrun
	}
	s.note(text)
	return nil, nil
}

// emptyTables runs in a session whose settings are the migrations'.
const emptyTables = `DO LANGUAGE plpgsql $$ DECLARE list pg_catalog.text; BEGIN
  SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.relname), ', ') INTO list FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}') AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema' AND n.nspname OPERATOR(pg_catalog.!~) '^pg_'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid OPERATOR(pg_catalog.=) 1259::pg_catalog.oid AND d.objid OPERATOR(pg_catalog.=) c.oid AND d.deptype OPERATOR(pg_catalog.=) 'e');
  IF list IS NOT NULL THEN EXECUTE pg_catalog.concat('TRUNCATE ', list, ' CASCADE'); END IF;
  -- What a concurrent build left when it failed on the rows.
  SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.relname), ', ') INTO list FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE NOT i.indisvalid AND c.relkind OPERATOR(pg_catalog.=) 'i' AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid OPERATOR(pg_catalog.=) c.oid);
  IF list IS NOT NULL THEN EXECUTE pg_catalog.concat('DROP INDEX ', list); END IF;
END $$`

// blamesRows reports whether an error may be due to rows: a constraint, a value,
// or a check that a migration makes itself.
func blamesRows(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "23") || strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "P0") || strings.HasPrefix(pg.Code, "21"))
}

// at is a moment on the axis of the rehearsal.
func (s *scene) at(t time.Time) float64 { return max(0, ms(t.Sub(s.zero))) }

// fail writes down what the server said against a statement.
func (s *scene) fail(stop *stopped) {
	n := len(s.out.Statements)
	if n == 0 || s.out.Statements[n-1].Migration != s.migration || s.out.Statements[n-1].Statement != stop.statement.Index {
		at := s.at(time.Now())
		s.out.Statements = append(s.out.Statements, onward.RehearsedStatement{
			Migration: s.migration, Statement: stop.statement.Index, FromMS: at, UntilMS: at, Observed: []onward.Observed{},
		})
		n++
	}
	s.out.Statements[n-1].Failed = serverError(stop.err)
}
