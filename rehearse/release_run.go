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

// releaseRun is one run of the release, in a database of its own.
type releaseRun struct {
	*version
	database  string
	runner    *runner
	sampler   *sampler
	timed     bool // the release may set a statement_timeout
	load      *traffic.Load
	log       *traffic.Log // set after the traffic has ended
	startTime time.Time
	out       *onward.Rehearsal

	// The current state.
	migration  int                // index in Report.Migrations
	statements []onward.Statement // the model's view of them
	script     *script.Script
	// rels are the relations before the current statement.
	rels map[uint32]observe.Relation
	// createdRelations are the relations that the release made.
	createdRelations map[uint32]bool
	tx               *transaction
	// skipsNested: nested statements are not observed.
	skipsNested bool
	// read counts the rows that sequential scans have read so far.
	read map[uint32]int64
	// lsn is the WAL position after the last statement, in bytes; 0 before the first.
	lsn int64
	// expected are the locks that the transaction holds according to the model.
	expected map[uint32]onward.Lock
	notices  []notice
	// stop says where the release failed.
	stop     *migrationFailure
	stopStep *step
	// unrun is the last code of the release that was not run; "" for none.
	unrun string
	// emptied is the index of the first statement that ran with empty tables
	// because an earlier one failed on rows; -1 for none.
	emptied int
	held    []traffic.Held
}

// transaction is the open transaction.
type transaction struct {
	startedAt time.Time
	held      map[uint32]onward.Lock
	modes     map[uint32]lockModes
	// before holds its locks before the current statement.
	before map[uint32]onward.Lock
	// open are the observations whose locks the transaction still holds.
	open []observationRef
	// rewritten: it has rewritten an existing table.
	rewritten bool
}

// observationRef identifies an observation by its statement and its index there.
type observationRef struct{ statement, observed int }

// startReleaseRun creates a database with the base schema, and rows.
func (v *version) startReleaseRun(ctx context.Context) (*releaseRun, error) {
	s := &releaseRun{version: v, timed: v.hasStatementTimeout(), createdRelations: map[uint32]bool{}, emptied: -1, out: &onward.Rehearsal{
		Postgres: v.major, Version: v.server.Version(), Superuser: v.Superuser, Seed: v.Rows.Seed,
		Base:   onward.RehearsalBase{From: v.base.from, Migrations: v.base.migrations, Cached: v.base.cached},
		Tables: []onward.RehearsedTable{}, Transactions: []onward.RehearsedTransaction{}, Statements: []onward.RehearsedStatement{},
		Differences: []onward.Difference{}, Notes: slices.Concat([]string{}, v.base.Notes, v.supplyNotes),
	}}
	var err error
	if s.database, err = v.prepareDatabase(ctx); err != nil {
		return nil, err
	}
	if err := s.fillTables(ctx); err != nil {
		return nil, err
	}
	if err := v.prepareNestedTracing(ctx, s.database); err != nil {
		s.skipsNested = true
		s.addNote("statements in functions were not seen one by one: " + err.Error())
	}
	if s.runner, err = newRunner(ctx, v.server, v, s.database, s); err != nil {
		return nil, err
	}
	if s.sampler, err = newSampler(ctx, v, s.database, s.runner.conn.PgConn().PID()); err != nil {
		s.runner.closeConn(ctx)
		return nil, err
	}
	return s, nil
}

// prepareDatabase returns the database for the release. That is the base itself if no copy
// of it is needed later, because copying takes half of the time of a short
// rehearsal.
func (v *version) prepareDatabase(ctx context.Context) (string, error) {
	if v.Server != "" || v.needsCopies() {
		return v.copyBase(ctx)
	}
	if v.baseUsed {
		// The server's cluster is a copy of the cached one: start with another
		// copy.
		if err := v.server.Stop(); err != nil {
			return "", err
		}
		if err := v.startServer(ctx); err != nil {
			return "", err
		}
		for _, role := range slices.Clone(v.roles) {
			if err := v.makeRole(ctx, v.server, role); err != nil {
				return "", err
			}
		}
	}
	v.baseUsed = true
	return v.base.database, v.supplyPrerequisites(ctx, v.server, v.base.database)
}

// needsCopies reports whether the base is needed again after the release ran.
func (v *version) needsCopies() bool {
	if v.Down {
		return true
	}
	return slices.ContainsFunc(v.steps, func(s *step) bool { return s.isRunnable() && commitsInParts(s.script) })
}

// copyBase creates a database with the base schema.
func (v *version) copyBase(ctx context.Context) (string, error) {
	return v.copyDatabase(ctx, v.base.database)
}

// copyDatabase copies a database that nobody is connected to.
func (v *version) copyDatabase(ctx context.Context, template string) (string, error) {
	name, err := v.server.NewDatabase(ctx, template)
	if err != nil || v.Server != "" {
		return name, err
	}
	// The release must not be able to change the base.
	if err := execAll(ctx, v.server, "", "ALTER DATABASE "+name+" OWNER TO "+roleName, "ALTER DATABASE "+v.base.database+" OWNER TO CURRENT_USER",
		grantConnect(name)); err != nil {
		return "", err
	}
	return name, v.supplyPrerequisites(ctx, v.server, name)
}

func (s *releaseRun) addNote(text string) {
	if !slices.Contains(s.out.Notes, text) {
		s.out.Notes = append(s.out.Notes, text)
	}
}

func (s *releaseRun) closeConns(ctx context.Context) {
	// Close everything even if the context is done.
	ctx = context.WithoutCancel(ctx)
	if s.load != nil {
		s.load.Stop()
	}
	s.sampler.closeConn(ctx)
	s.runner.closeConn(ctx)
	s.dropDatabase(ctx, s.database)
}

// dropDatabase drops a database. One without rows stays until its server is removed.
func (v *version) dropDatabase(ctx context.Context, db string) {
	if db == "" || v.baseUsed || v.Server == "" && v.hasNoRows() {
		return
	}
	if err := v.server.DropDatabase(context.WithoutCancel(ctx), db); err != nil {
		v.Logger.Debug("drop a database of the rehearsal", "error", err)
	}
}

// runRelease runs the release. needsRerun means that it must start again, because a role
// that it names had to be created.
func (s *releaseRun) runRelease(ctx context.Context) (needsRerun bool, err error) {
	if s.rels, err = observe.ListRelations(ctx, s.runner.catalogConn); err != nil {
		return false, err
	}
	s.qualifyModelNames()
	if err := s.recordBasePlantedCode(ctx, s.runner.catalogConn); err != nil {
		return false, err
	}
	if s.Traffic || s.LongTransaction > 0 {
		if err := s.startTraffic(ctx); err != nil {
			return false, err
		}
	}
	s.startTime = time.Now()
	for _, step := range s.steps {
		if reason := skipReason(step); reason != "" {
			s.addNote(step.ID + " " + reason)
			continue
		}
		s.migration, s.statements, s.script = step.Report, s.model.Migrations[step.Report].Statements, step.script
		for _, o := range step.Opaque {
			s.addNote(fmt.Sprintf("%s: %s was not run", step.ID, o.What))
			s.unrun = step.ID + ": " + o.What
		}
		stop, err := s.runWithRetries(ctx, step)
		if err != nil {
			return false, err
		}
		if needsRerun, err := s.resolveMissing(ctx, s.database, step, stop); needsRerun || err != nil {
			return needsRerun, err
		}
		if stop != nil {
			s.recordFailure(stop)
			if stop, err = s.rerunWithoutRows(ctx, step, stop); err != nil {
				return false, err
			}
		}
		if stop != nil {
			s.stop, s.stopStep = stop, step
		}
		s.reportCaughtEscapes(step, stop)
		if err := s.inspectPlantedCode(ctx, s.runner.catalogConn, step, step.script, stop); err != nil {
			return false, err
		}
		if stop != nil {
			break
		}
	}
	s.out.DurationMS = s.elapsedMS(time.Now())
	for _, n := range s.runner.notes {
		s.addNote(n)
	}
	s.attributeWaits()
	return false, nil
}

// skipReason returns why a step is not rehearsed; "" if it is.
func skipReason(step *step) string {
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

// rerunWithoutRows repeats the rest of a migration that failed on generated rows,
// with all tables empty. That shows whether the rows are the cause, and lets the
// release go on. It returns what stops the migration even so.
func (s *releaseRun) rerunWithoutRows(ctx context.Context, step *step, stop *migrationFailure) (*migrationFailure, error) {
	if len(s.out.Tables) == 0 || s.Dump != "" || s.emptied >= 0 || !mayBeCausedByRows(stop.err) || s.runner.conn.IsClosed() {
		return stop, nil
	}
	s.stopTraffic() // it uses rows that are about to be deleted
	// As the role of the migrations, in a separate session: triggers run code.
	if err := s.execAsMigrationRole(ctx, s.server, s.database, emptyTables); isStatementFailure(err) {
		return stop, nil
	} else if err != nil {
		return stop, fmt.Errorf("empty the tables: %w", err)
	}
	s.emptied = len(s.out.Statements)
	var err error
	if s.rels, err = observe.ListRelations(ctx, s.runner.catalogConn); err != nil {
		return stop, err
	}
	failure, err := s.runner.runMigration(ctx, step.Migration, uncommittedPart(step.script, stop.statement))
	if err != nil {
		return stop, err
	}
	if failure != nil {
		s.recordFailure(failure)
		return failure, nil
	}
	text := step.ID + " failed on the generated rows; from there on the rehearsal went on with empty tables"
	if s.log != nil {
		text += ", without traffic"
	}
	if s.unrun == "" {
		s.addRowsFinding(step, stop)
	} else {
		text += ". That may be because code was not run that fills them: " + s.unrun
	}
	s.addNote(text)
	return nil, nil
}

// emptyTables runs in a session with the migrations' settings.
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

// mayBeCausedByRows reports whether rows may be the cause of an error: a constraint, a
// value, or a check that a migration makes itself.
func mayBeCausedByRows(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "23") || strings.HasPrefix(pg.Code, "22") || strings.HasPrefix(pg.Code, "P0") ||
		strings.HasPrefix(pg.Code, "21"))
}

// elapsedMS returns a moment on the time axis of the rehearsal.
func (s *releaseRun) elapsedMS(t time.Time) float64 { return max(0, toMillis(t.Sub(s.startTime))) }

// recordFailure records the server's error for a statement.
func (s *releaseRun) recordFailure(stop *migrationFailure) {
	n := len(s.out.Statements)
	if n == 0 || s.out.Statements[n-1].Migration != s.migration || s.out.Statements[n-1].Statement != stop.statement.Index {
		nowMS := s.elapsedMS(time.Now())
		s.out.Statements = append(s.out.Statements, onward.RehearsedStatement{
			Migration: s.migration, Statement: stop.statement.Index, FromMS: nowMS, UntilMS: nowMS, Observed: []onward.Observed{},
		})
		n++
	}
	s.out.Statements[n-1].Failed = serverError(stop)
}
