package attempt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/permit"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// UndoStep makes one attempt to undo a step, and deletes it from the ledger. A step without an undo is only deleted.
func (a *Attempt) UndoStep(ctx context.Context, s *onward.PlanStep) (run.State, error) {
	sql := a.record.UndoSQL(s)
	u := makeUndoStep(s, sql)
	if sql != "" && isRefusedInTransaction(sql) {
		u.Transaction = onward.TransactionNone
	}
	if sql != "" {
		if err := a.checkUndoPermissions(s, sql); err != nil {
			return run.State{}, err
		}
		if err := a.properties.RefuseUndoLosses(ctx, s); err != nil {
			return run.State{}, err
		}
		if state, err := a.waitForUndoLocks(ctx, s, &u); err != nil || state.Waits {
			return state, err
		}
	}
	a.reportUndoing(s, sql)
	if s.Transaction == onward.TransactionNone { // a killed process may have left it running
		if err := a.waitForPredecessor(ctx, s); err != nil {
			return run.State{}, err
		}
	}
	if u.Transaction == onward.TransactionNone { // DROP INDEX CONCURRENTLY, for one
		if err := a.undoOutsideTransaction(ctx, &u); err != nil {
			return run.State{}, err
		}
		u.SQL = "" // only the ledger's row is left to delete
	}
	err := a.runUndo(ctx, &u)
	if IsMissing(err) {
		err = a.runUndoWithoutMissing(ctx, &u)
	}
	if err != nil {
		return run.State{}, err
	}
	delete(a.record.Steps, s.ID)
	return a.recordUndoResult(ctx, s, "taken back", "")
}

// waitForUndoLocks waits until nobody holds what a step's undo locks. The state says so if somebody still does.
func (a *Attempt) waitForUndoLocks(ctx context.Context, s, undo *onward.PlanStep) (run.State, error) {
	list, err := a.WaitForQueue(ctx, undo, time.Second)
	if err != nil || len(list) > 0 {
		return run.State{Step: s, Waits: true, InTheWay: list, Again: 50 * time.Millisecond}, err
	}
	return run.State{}, nil
}

// reportUndoing reports, at the first attempt, that a step is about to be undone by some SQL.
func (a *Attempt) reportUndoing(s *onward.PlanStep, sql string) {
	if !a.record.Tries.Started {
		a.record.Tries.Started = true
		a.record.ReportEvent(run.Undoing, s, "")
		a.ShowStatements(s, sql)
	}
}

// recordUndoResult reports and logs what was done to a step.
func (a *Attempt) recordUndoResult(ctx context.Context, s *onward.PlanStep, words, detail string) (run.State, error) {
	a.record.Tell(run.Event{Kind: run.Finished, Step: s, Took: time.Since(a.record.Tries.Since), Words: words})
	return run.State{Step: s}, a.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return a.record.LogEvent(ctx, conn, s.ID, words, detail)
	})
}

// makeUndoStep returns a step with the SQL that undoes another one.
func makeUndoStep(s *onward.PlanStep, sql string) onward.PlanStep {
	u := *s
	u.SQL, u.Check, u.Transaction, u.Class, u.Effects = sql, "", onward.TransactionFile, onward.StepDDL, nil
	for _, e := range s.Effects { // undoing a step may have to drop what it created
		e.Lock = onward.AccessExclusiveLock
		u.Effects = append(u.Effects, e)
	}
	return u
}

// DropTriggers drops triggers and functions that a step made. The step stays done.
func (a *Attempt) DropTriggers(ctx context.Context, s *onward.PlanStep, sql string) (run.State, error) {
	u := makeUndoStep(s, sql)
	if err := a.checkUndoPermissions(s, sql); err != nil {
		return run.State{}, err
	}
	if state, err := a.waitForUndoLocks(ctx, s, &u); err != nil || state.Waits {
		return state, err
	}
	a.reportUndoing(s, sql)
	lock := a.record.Tries.LockTimeout()
	if _, err := a.session.CommitSQL(context.WithoutCancel(ctx), lock, lock+session.UnderLock, a.session.SearchPathSQL()+";\n"+sql); err != nil {
		return run.State{}, err
	}
	return a.recordUndoResult(ctx, s, "triggers dropped", pgparse.SqueezeSQL(sql))
}

// DropCursorSchema drops the schema that holds the plans' cursors, if this plan has created it and it is empty. It runs
// with the last step that a plan contracts, because the schema has no undo of its own.
func (a *Attempt) DropCursorSchema(ctx context.Context) error {
	createsSchema := slices.ContainsFunc(a.record.Plan.Steps, func(s onward.PlanStep) bool {
		return recipe.CreatesSchema(&s)
	})
	if !createsSchema {
		return nil
	}
	_, err := a.session.CommitSQL(context.WithoutCancel(ctx), queue.FirstStall, session.UnderLock, recipe.DropUnusedSchema)
	return err
}

// undoOutsideTransaction runs an undo that must not run in a transaction. Its statements skip what is already gone.
func (a *Attempt) undoOutsideTransaction(ctx context.Context, u *onward.PlanStep) error {
	f, err := pgparse.SplitText(u.SQL)
	if err != nil {
		return run.NewInputError(u.ID + ": its undo cannot be read")
	}
	for _, stmt := range f.Stmts {
		statement := *u
		statement.SQL = f.Src[stmt.Start:stmt.End]
		if err := a.sendWithProgress(ctx, &statement); err != nil {
			return err
		}
	}
	return nil
}

// runUndo runs an undo in the same transaction that records it in the ledger. The transaction is one message.
func (a *Attempt) runUndo(ctx context.Context, u *onward.PlanStep) error {
	inner := ""
	if u.SQL != "" {
		var err error
		if inner, err = run.InnerSQL(u); err != nil {
			return err
		}
	}
	return a.commitUndo(ctx, u, inner)
}

// commitUndo is runUndo with the statements to run; "" for none.
func (a *Attempt) commitUndo(ctx context.Context, u *onward.PlanStep, inner string) error {
	sql := ""
	if inner != "" {
		carried, err := a.properties.CarryBackSQL(u)
		if err != nil {
			return err
		}
		identities, err := a.properties.IdentitySQL(ctx, u)
		if err != nil {
			return err
		}
		comments, err := a.properties.CommentsBackSQL(ctx, u)
		if err != nil {
			return err
		}
		sql = live.OwnPath + carried + a.session.SearchPathSQL() + ";\n" + inner + comments
		if identities != "" {
			sql += "\n" + live.OwnPath + identities
		}
	}
	lock := a.record.Tries.LockTimeout()
	sql += a.session.LedgerOwnerSQL() + a.record.RecordTableRenamesSQL(u.SQL) + ledger.DeleteStepSQL(a.record.Row.ID, u.ID)
	_, err := a.session.CommitSQL(context.WithoutCancel(ctx), lock, lock+session.UnderLock, sql)
	return err
}

// isRefusedInTransaction reports whether the server refuses an undo inside a transaction.
func isRefusedInTransaction(sql string) bool {
	return strings.Contains(sql, " CONCURRENTLY ")
}

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

// CheckPlanPermissions refuses a plan before its first step if one of its steps has a statement that the step's class does not allow: a DELETE in a
// step that validates a constraint.
func (a *Attempt) CheckPlanPermissions() error {
	for i := range a.record.Plan.Steps {
		s := &a.record.Plan.Steps[i]
		if err := wrapRefusal(s, permit.CheckStep(s, a.permissionClass(s))); err != nil {
			return err
		}
		if err := a.checkUndoPermissions(s, s.Undo); err != nil {
			return err
		}
	}
	return nil
}

// CheckStepPermissions parses the statements of a step again when it runs, and refuses one that the step's class does not allow.
// Somebody may have changed the plan in its file or in the ledger.
func (a *Attempt) CheckStepPermissions(s *onward.PlanStep) error {
	if a.record.Tries.Started {
		return nil
	}
	return wrapRefusal(s, permit.CheckStep(s, a.permissionClass(s)))
}

// checkUndoPermissions refuses the SQL that undoes a step if the step's class does not allow it. Some of it runs outside of a transaction.
func (a *Attempt) checkUndoPermissions(s *onward.PlanStep, sql string) error {
	return wrapRefusal(s, permit.CheckText(permit.UndoClass(a.permissionClass(s)), sql))
}

// permissionClass returns the class whose rules apply to a step. An unchanged migration is the team's own SQL and may do what its
// tool would allow. So may a plan without a digest, which an older onward started.
func (a *Attempt) permissionClass(s *onward.PlanStep) onward.StepClass {
	if a.record.AsWritten || a.record.Row != nil && a.record.Row.Digest == "" {
		return onward.StepWork
	}
	return s.Class
}

// ShowStatements reports the statements that are about to be sent.
func (a *Attempt) ShowStatements(s *onward.PlanStep, sql string) {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return // it was refused earlier
	}
	for _, stmt := range f.Stmts {
		text := pgparse.SqueezeSQL(f.Src[stmt.Start:stmt.End])
		if hasSecret(stmt.Node) {
			words := strings.Fields(text)
			text = strings.Join(words[:min(3, len(words))], " ") + " …"
		}
		a.record.ReportEvent(run.Sends, s, text)
	}
}

// hasSecret reports whether a statement may contain a password.
func hasSecret(n *pgparse.Node) bool {
	switch n.GetNode().(type) {
	case *pgparse.Node_CreateRoleStmt, *pgparse.Node_AlterRoleStmt, *pgparse.Node_CreateSubscriptionStmt, *pgparse.Node_AlterSubscriptionStmt,
		*pgparse.Node_CreateUserMappingStmt, *pgparse.Node_AlterUserMappingStmt, *pgparse.Node_CreateForeignServerStmt, *pgparse.Node_AlterForeignServerStmt:
		return true
	}
	return false
}

func wrapRefusal(s *onward.PlanStep, reason error) error {
	if reason == nil {
		return nil
	}
	return &run.RefusedError{
		Step: s.ID,
		Text: reason.Error() + ". Nothing of the step was run. Make the plan again with onward plan, or run the statement with your own tool",
	}
}
