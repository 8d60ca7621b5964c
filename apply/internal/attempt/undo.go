package attempt

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/recipe"
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
