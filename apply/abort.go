package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// Abort undoes a plan that is in the ledger and has not dropped anything yet. It undoes the steps in reverse
// order, with the same care as the steps themselves, and commits each undo together with its ledger row. If it
// is killed, calling it again continues. id is the plan's ID; "" means the only unfinished plan.
// [onward.Applied.StayChanged] lists the rows that keep what the plan has written.
//
// The errors are the same as for [Run].
func Abort(ctx context.Context, config Config, id string) (*onward.Applied, error) {
	c := settings{Config: config}
	if err := c.useSchema(ctx); err != nil {
		return nil, err
	}
	var list []*ledger.Plan
	_, err := withLedger(ctx, c.DB, func(conn *pgx.Conn) (err error) {
		list, err = unfinishedPlans(ctx, conn, c.scope)
		return err
	})
	if err != nil {
		return nil, err
	}
	if list, err = choosePlans(list, id); err != nil {
		return nil, err
	}
	if len(list) > 1 {
		var ids []string
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return nil, inputError("several plans are under way: name one with --plan, of " + strings.Join(ids, ", "))
	}
	p := list[0]
	c.Plan, c.Name, c.Role, c.undoing, c.moved = &p.Plan, p.Name, p.Role, true, true
	var stay []string
	out, err := withTarget(ctx, c, func(t *Target) (err error) {
		if stay, err = t.listChangedByAbort(ctx); err != nil {
			return err
		}
		return t.abortPlan(ctx, stay)
	})
	if out != nil {
		out.StayChanged = stay
	}
	if out != nil && err != nil {
		out.Next = "onward abort --db ADDRESS --plan " + out.Plan
	}
	return out, err
}

// choosePlans returns the plan with the given ID, or all plans for "". list must not be empty.
func choosePlans(list []*ledger.Plan, id string) ([]*ledger.Plan, error) {
	switch at := slices.IndexFunc(list, func(p *ledger.Plan) bool { return p.ID == id }); {
	case at >= 0:
		return list[at : at+1], nil
	case id != "":
		return nil, inputError(fmt.Sprintf("no plan %s is under way on this database: onward status shows which there are", id))
	case len(list) == 0:
		return nil, inputError("no plan of this database is under way: onward status shows what there was")
	}
	return list, nil
}

// unfinishedPlans returns the unfinished plans of a scope, oldest first.
func unfinishedPlans(ctx context.Context, conn ledger.Conn, scope ledger.Scope) ([]*ledger.Plan, error) {
	list, err := scope.ReadPlans(ctx, conn)
	return slices.DeleteFunc(list, func(p *ledger.Plan) bool { return p.State == ledger.Done || p.State == ledger.Abandoned }), err
}

// abortPlan undoes steps until none is left. The log records which rows stay changed.
func (t *Target) abortPlan(ctx context.Context, stay []string) error {
	if err := t.mayAbort(); err != nil {
		return err
	}
	if err := t.refuseUndonePublications(ctx); err != nil {
		return err
	}
	if err := t.setPlanState(ctx, ledger.Aborting, "abort begun", ""); err != nil {
		return err
	}
	if err := t.runAttempts(ctx, func() (State, error) { return t.undoNext(ctx) }); err != nil {
		return err
	}
	if err := t.dropCursorSchema(ctx); err != nil {
		return err
	}
	return t.setPlanState(ctx, ledger.Abandoned, "plan taken back", undo.DescribeChanged(stay))
}

// mayAbort refuses if a contract step has dropped something, or may have.
func (t *Target) mayAbort() error {
	for i := range t.c.Plan.Steps {
		s := &t.c.Plan.Steps[i]
		recorded := t.steps[s.ID]
		if s.Phase != onward.Contract || recorded == nil || !undo.IsIrreversible(t.c.Plan, i) {
			continue
		}
		// A step that was tried in a transaction and is not done has left nothing.
		if recorded.State == ledger.Done || s.Transaction == onward.TransactionNone {
			return &RefusedError{
				Step: s.ID,
				Text: "this contract step has dropped something, or replaced it, and nobody gives that back. onward contract goes on with the plan",
			}
		}
	}
	return nil
}

// listChangedByAbort names the columns and tables whose rows stay changed by started steps, including steps that an
// earlier abort has undone.
func (t *Target) listChangedByAbort(ctx context.Context) ([]string, error) {
	begun := map[string]bool{}
	for id := range t.steps {
		begun[id] = true
	}
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		list, err := ledger.UndoneSteps(ctx, conn, t.plan.ID)
		for _, id := range list {
			begun[id] = true
		}
		return err
	}); err != nil {
		return nil, err
	}
	return changedBy(t.c.Plan, func(id string) bool { return begun[id] }), nil
}

// changedBy names the columns and tables whose rows stay changed by the steps for which begun is true.
func changedBy(p *onward.Plan, begun func(step string) bool) (out []string) {
	for i, changed := range undo.StayChanged(p) {
		if begun(p.Steps[i].ID) {
			out = append(out, changed...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (t *Target) setPlanState(ctx context.Context, state, event, detail string) error {
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		if t.plan.State == state {
			return nil
		}
		if err := ledger.SetPlanState(ctx, conn, t.plan.ID, state); err != nil {
			return err
		}
		t.plan.State = state
		return t.logEvent(ctx, conn, "", event, detail)
	})
}

// undoNext makes one attempt to undo the last step that is left.
func (t *Target) undoNext(ctx context.Context) (State, error) {
	last := func() *onward.PlanStep {
		for i := len(t.c.Plan.Steps) - 1; i >= 0; i-- {
			if s := &t.c.Plan.Steps[i]; t.steps[s.ID] != nil {
				return s
			}
		}
		return nil
	}
	return t.attemptNext(ctx, last, func(s *onward.PlanStep) (State, error) { return t.undoStep(ctx, s) })
}

// undoSQL returns the SQL that undoes a started step; "" for none. A step that was started in a transaction and is not done has left
// nothing, except for the committed batches of a backfill.
func (t *Target) undoSQL(s *onward.PlanStep) string {
	recorded := t.steps[s.ID]
	if recorded == nil || recorded.State != ledger.Done && s.Transaction != onward.TransactionNone && !s.Repeat {
		return ""
	}
	return s.Undo
}

// undoStep undoes a step.
func (t *Target) undoStep(ctx context.Context, s *onward.PlanStep) (State, error) {
	sql := t.undoSQL(s)
	u := *s
	u.SQL, u.Check, u.Transaction, u.Class, u.Effects = sql, "", onward.TransactionFile, onward.StepDDL, nil
	for _, e := range s.Effects { // undoing a step may have to drop what it created
		e.Lock = onward.AccessExclusiveLock
		u.Effects = append(u.Effects, e)
	}
	if sql != "" && isConcurrent(sql) {
		u.Transaction = onward.TransactionNone
	}
	if sql != "" {
		if err := t.checkUndoPermissions(s, sql); err != nil {
			return State{}, err
		}
		if list, err := t.waitForQueue(ctx, &u, time.Second); err != nil || len(list) > 0 {
			return State{Step: s, Waits: true, InTheWay: list, Again: 50 * time.Millisecond}, err
		}
	}
	if !t.tries.started {
		t.tries.started = true
		t.reportEvent(Undoing, s, "")
		t.showStatements(s, sql)
	}
	if s.Transaction == onward.TransactionNone {
		if err := t.waitForPredecessor(ctx, s); err != nil {
			return State{}, err
		}
	}
	if u.Transaction == onward.TransactionNone {
		if err := t.undoAlone(ctx, &u); err != nil {
			return State{}, err
		}
		u.SQL = ""
	}
	if err := t.runUndo(ctx, &u); err != nil {
		return State{}, err
	}
	delete(t.steps, s.ID)
	t.c.Tell(Event{Kind: Finished, Step: s, Took: time.Since(t.tries.since), Words: "taken back"})
	return State{Step: s}, t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return t.logEvent(ctx, conn, s.ID, "taken back", "")
	})
}

// dropCursorSchema drops the schema that holds the plans' cursors, if this plan has created it and it is empty. It runs
// with the last step that a plan contracts, because the schema has no undo of its own.
func (t *Target) dropCursorSchema(ctx context.Context) error {
	made := slices.ContainsFunc(t.c.Plan.Steps, func(s onward.PlanStep) bool {
		return createsPlanSchema(&s)
	})
	if !made {
		return nil
	}
	var empty bool
	if err := t.readRow(ctx, `SELECT NOT EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = n.oid)
		FROM (SELECT (SELECT oid FROM pg_namespace WHERE nspname = $1) AS oid) AS n`, []any{onward.PlanRoom}, &empty); err != nil || !empty {
		return err
	}
	return t.inGuardedTransaction(context.WithoutCancel(ctx), queue.FirstStall, underLock, func(ctx context.Context, tx pgx.Tx) error {
		if !t.c.scope.IsDatabase() {
			return dropSharedCursorSchema(ctx, tx)
		}
		_, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+onward.PlanRoom+" RESTRICT")
		return err
	})
}

// undoAlone runs an undo that must not run in a transaction. Its statements skip what is already gone.
func (t *Target) undoAlone(ctx context.Context, u *onward.PlanStep) error {
	f, err := pgparse.SplitText(u.SQL)
	if err != nil {
		return inputError(u.ID + ": its undo cannot be read")
	}
	for _, stmt := range f.Stmts {
		one := *u
		one.SQL = f.Src[stmt.Start:stmt.End]
		if err := t.sendWithProgress(ctx, &one); err != nil {
			return err
		}
	}
	return nil
}

// runUndo runs an undo in the same transaction that records it in the ledger.
func (t *Target) runUndo(ctx context.Context, u *onward.PlanStep) error {
	sql := ""
	if u.SQL != "" {
		var err error
		if sql, err = innerSQL(u); err != nil {
			return err
		}
	}
	return t.inGuardedTransaction(context.WithoutCancel(ctx), t.lockTimeout(), t.lockTimeout()+underLock, func(ctx context.Context, tx pgx.Tx) error {
		if sql != "" {
			if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		return t.asLedgerOwner(ctx, tx, func() error { return ledger.DeleteStep(ctx, tx, t.plan.ID, u.ID) })
	})
}

// isConcurrent reports whether an undo must run outside a transaction.
func isConcurrent(sql string) bool {
	return strings.Contains(sql, " CONCURRENTLY ")
}

// recordGivenUp returns the error for a step that others have blocked for too long, and records it in the ledger.
func (t *Target) recordGivenUp(ctx context.Context, s *State) error {
	why := fmt.Sprintf("others were in its way for %s", t.c.Within)
	if len(s.InTheWay) > 0 {
		why += ": " + strings.Join(s.InTheWay, "; ")
	}
	return errors.Join(&UnfinishedError{Step: s.Step.ID, Why: why}, t.recordStepState(ctx, ledger.Waiting, why))
}
