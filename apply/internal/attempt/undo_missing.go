package attempt

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// IsMissing reports whether the server refused a statement because its table, column, constraint or function does not exist.
func IsMissing(err error) bool {
	refused := live.FindRefusal(err)
	return refused != nil && pgerror.Kind{SQLSTATE: refused.Code}.IsMissing()
}

// errRehearsed ends a transaction that must leave nothing.
var errRehearsed = errors.New("nothing is kept")

// runUndoWithoutMissing runs an undo of which some objects are gone: a migration that the plan replaces may have run, or somebody has
// dropped them. It tries each statement in a transaction that is rolled back, and then runs those whose objects exist. It reports the
// others.
func (a *Attempt) runUndoWithoutMissing(ctx context.Context, u *onward.PlanStep) error {
	sql, err := run.InnerSQL(u)
	if err != nil {
		return err
	}
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return run.NewInputError(u.ID + ": its undo cannot be read")
	}
	var runnable, left []string
	lock := a.record.Tries.LockTimeout()
	err = a.session.InGuardedTransaction(context.WithoutCancel(ctx), lock, lock+session.UnderLock, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, a.session.SearchPathSQL(), pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		for _, stmt := range f.Stmts {
			part, err := tx.Begin(ctx) // a savepoint
			if err != nil {
				return err
			}
			statement := f.Src[stmt.Start:stmt.End]
			if _, err = part.Exec(ctx, statement, pgx.QueryExecModeSimpleProtocol); err == nil {
				runnable = append(runnable, statement)
				err = part.Commit(ctx)
			} else if IsMissing(err) {
				left = append(left, fmt.Sprintf("%s (%s)", pgparse.ClipName(pgparse.SqueezeSQL(statement)), redact.MessageWithCode(live.FindRefusal(err))))
				err = part.Rollback(ctx)
			}
			if err != nil {
				return err
			}
		}
		return errRehearsed
	})
	if !errors.Is(err, errRehearsed) {
		return err
	}
	inner := ""
	if len(runnable) > 0 {
		inner = strings.Join(runnable, ";\n") + ";\n"
	}
	if err := a.commitUndo(ctx, u, inner); err != nil {
		return err
	}
	a.record.ReportEvent(run.Warned, u, "some objects of this step are gone; a migration that the plan replaces may have run. Not undone: "+
		strings.Join(left, "; "))
	return nil
}
