package rehearse

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// RunUntil copies a database to which nobody is connected, runs the release there until a statement of a migration has run, and commits. The
// indices are a [Point]'s. The release must have been walked before: that creates the roles and tables that it takes for granted.
//
// Errors: the server refused a statement, or the commit.
func (s *Stage) RunUntil(ctx context.Context, template string, migration, statement int) (_ string, err error) {
	database, err := s.v.copyDatabase(ctx, template)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.v.server.DropDatabase(context.WithoutCancel(ctx), database))
		}
	}()
	w := &untilWatcher{migration: migration, statement: statement}
	if w.runner, err = newRunner(ctx, s.v.server, s.v, database, w); err != nil {
		return "", err
	}
	defer w.runner.closeConn(context.WithoutCancel(ctx))
	for _, step := range s.v.steps {
		if !step.isRunnable() {
			continue
		}
		w.current = step.Report
		stop, err := w.runner.runMigration(ctx, step.Migration, step.script)
		switch {
		case errors.Is(err, errReached):
			return database, nil
		case err != nil:
			return "", err
		case stop != nil:
			return "", &RefusedError{Path: step.Path, step: step, stop: stop}
		}
	}
	return "", fmt.Errorf("the release has no statement %d in its migration %d", statement, migration)
}

// RefusedError says that the server refuses a statement of the release.
type RefusedError struct {
	Path string // of the migration

	step *step
	stop *migrationFailure
}

func (e *RefusedError) Error() string { return e.Path + ": " + e.stop.err.Error() }

// Unwrap returns the server's error.
func (e *RefusedError) Unwrap() error { return e.stop.err }

// ReportRows adds the finding that a release fails on rows of a kind that the deployed code surely writes: an error.
func (s *Stage) ReportRows(refused *RefusedError, fact string) {
	count := len(s.v.report.Findings)
	s.v.addFinding(release.RehearsalFailsWithRows, refused.step, refused.stop.statement, fact,
		"production has rows that the deployed code wrote: the migration stops at the first one that is like these"+
			s.v.describeSkippedMigrations(refused.step), "")
	if added := s.v.report.Findings[count:]; len(added) > 0 && added[0].Severity == onward.Warning {
		added[0].Severity = onward.Error
	}
}

// errReached ends a run after its last statement.
var errReached = errors.New("the statement was reached")

// untilWatcher ends a run after a statement.
type untilWatcher struct {
	runner               *runner
	migration, statement int
	current              int
}

func (w *untilWatcher) onTransactionBegin(context.Context, bool) error { return nil }

func (w *untilWatcher) runStatement(ctx context.Context, s *script.Statement, _ bool) error {
	return w.runner.withLimit(ctx, func(ctx context.Context) error {
		if _, err := w.runner.execStatement(ctx, s); err != nil || w.current != w.migration || s.Index != w.statement {
			return err
		}
		if w.runner.txStatus() != 'I' {
			if _, err := w.runner.conn.Exec(ctx, "COMMIT"); err != nil {
				return err
			}
		}
		return errReached
	})
}

func (w *untilWatcher) onTransactionEnd(context.Context, bool) error { return nil }

func (w *untilWatcher) onSavepointRollback(context.Context) error { return nil }

func (w *untilWatcher) onNotice(*pgconn.Notice) {}
