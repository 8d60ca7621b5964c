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

// Abort takes back a plan that is in the ledger and has not dropped anything: the undo of its steps, the
// last one first, each as careful as the step itself and committed together with its row of the ledger.
// Killed, the same again goes on. id is the plan's; "" for the only one that is not at its end.
// [onward.Applied.StayChanged] names the rows that keep what the plan has written.
//
// The errors are those of [Run].
func Abort(ctx context.Context, c Config, id string) (*onward.Applied, error) {
	var list []*ledger.Plan
	_, err := reading(ctx, c.DB, func(conn *pgx.Conn) (err error) {
		list, err = open(ctx, conn)
		return err
	})
	if err != nil {
		return nil, err
	}
	if list, err = chosen(list, id); err != nil {
		return nil, err
	}
	if len(list) > 1 {
		var ids []string
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return nil, input("several plans are under way: name one with --plan, of " + strings.Join(ids, ", "))
	}
	p := list[0]
	c.Plan, c.Name, c.Role, c.back = &p.Plan, p.Name, p.Role, true
	var stay []string
	out, err := opened(ctx, c, func(t *Target) (err error) {
		if stay, err = t.stayChanged(ctx); err != nil {
			return err
		}
		return t.abort(ctx, stay)
	})
	if out != nil {
		out.StayChanged = stay
	}
	if out != nil && err != nil {
		out.Next = "onward abort --db ADDRESS --plan " + out.Plan
	}
	return out, err
}

// chosen are the plans with an ID, or all for "": there is one at least.
func chosen(list []*ledger.Plan, id string) ([]*ledger.Plan, error) {
	switch at := slices.IndexFunc(list, func(p *ledger.Plan) bool { return p.ID == id }); {
	case at >= 0:
		return list[at : at+1], nil
	case id != "":
		return nil, input(fmt.Sprintf("no plan %s is under way on this database: onward status shows which there are", id))
	case len(list) == 0:
		return nil, input("no plan of this database is under way: onward status shows what there was")
	}
	return list, nil
}

// open are the plans in the ledger that are not at their end, oldest first.
func open(ctx context.Context, conn ledger.Conn) ([]*ledger.Plan, error) {
	list, err := ledger.Plans(ctx, conn)
	return slices.DeleteFunc(list, func(p *ledger.Plan) bool { return p.State == ledger.Done || p.State == ledger.Abandoned }), err
}

// abort takes steps back until none is left. The log says which rows stay changed.
func (t *Target) abort(ctx context.Context, stay []string) error {
	if err := t.mayAbort(); err != nil {
		return err
	}
	if err := t.ending(ctx, ledger.Aborting, "abort begun", ""); err != nil {
		return err
	}
	if err := t.through(ctx, func() (State, error) { return t.back(ctx) }); err != nil {
		return err
	}
	if err := t.room(ctx); err != nil {
		return err
	}
	return t.ending(ctx, ledger.Abandoned, "plan taken back", undo.Sentence(stay))
}

// mayAbort refuses if a contract step has dropped something, or may have.
func (t *Target) mayAbort() error {
	for i := range t.c.Plan.Steps {
		s := &t.c.Plan.Steps[i]
		is := t.steps[s.ID]
		if s.Phase != onward.Contract || is == nil || !undo.Drops(t.c.Plan, i) {
			continue
		}
		// What was tried in a transaction and is not done, is not there.
		if is.State == ledger.Done || s.Transaction == onward.TransactionNone {
			return &RefusedError{Step: s.ID, Text: "this contract step has dropped something, or replaced it, and nobody gives that back. onward contract goes on with the plan"}
		}
	}
	return nil
}

// stayChanged names the columns and tables whose rows stay changed by the steps that were begun, also by those that an abort before has taken back.
func (t *Target) stayChanged(ctx context.Context) ([]string, error) {
	begun := map[string]bool{}
	for id := range t.steps {
		begun[id] = true
	}
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		list, err := ledger.Reverted(ctx, conn, t.plan.ID)
		for _, id := range list {
			begun[id] = true
		}
		return err
	}); err != nil {
		return nil, err
	}
	return changedBy(t.c.Plan, func(id string) bool { return begun[id] }), nil
}

// changedBy names the columns and tables whose rows stay changed by some steps of a plan.
func changedBy(p *onward.Plan, begun func(step string) bool) (out []string) {
	for i := range p.Steps {
		if begun(p.Steps[i].ID) {
			out = append(out, undo.StayChanged(p, i)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (t *Target) ending(ctx context.Context, state, event, detail string) error {
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		if t.plan.State == state {
			return nil
		}
		if err := ledger.End(ctx, conn, t.plan.ID, state); err != nil {
			return err
		}
		t.plan.State = state
		return t.log(ctx, conn, "", event, detail)
	})
}

// back is an attempt to take the last step back that is left.
func (t *Target) back(ctx context.Context) (State, error) {
	last := func() *onward.PlanStep {
		for i := len(t.c.Plan.Steps) - 1; i >= 0; i-- {
			if s := &t.c.Plan.Steps[i]; t.steps[s.ID] != nil {
				return s
			}
		}
		return nil
	}
	return t.turn(ctx, last, func(s *onward.PlanStep) (State, error) { return t.undo(ctx, s) })
}

// undo takes a step back. One that was begun in a transaction and is not done has left nothing, but
// batches of a backfill.
func (t *Target) undo(ctx context.Context, s *onward.PlanStep) (State, error) {
	sql := s.Undo
	if t.steps[s.ID].State != ledger.Done && s.Transaction != onward.TransactionNone && !s.Repeat {
		sql = ""
	}
	u := *s
	u.SQL, u.Check, u.Transaction, u.Class, u.Effects = sql, "", onward.TransactionFile, onward.StepDDL, nil
	for _, e := range s.Effects { // what it takes back, it may have to drop
		e.Lock = onward.AccessExclusiveLock
		u.Effects = append(u.Effects, e)
	}
	if sql != "" && concurrently(sql) {
		u.Transaction = onward.TransactionNone
	}
	if sql != "" {
		if err := t.judgeUndo(s, sql); err != nil {
			return State{}, err
		}
		if list, err := t.wait(ctx, &u, time.Second); err != nil || len(list) > 0 {
			return State{Step: s, Waits: true, InTheWay: list, Again: 50 * time.Millisecond}, err
		}
	}
	if !t.tries.begun {
		t.tries.begun = true
		t.tell(Undoing, s, "")
		t.showStatements(s, sql)
	}
	if s.Transaction == onward.TransactionNone {
		if err := t.predecessor(ctx, s); err != nil {
			return State{}, err
		}
	}
	if u.Transaction == onward.TransactionNone {
		if err := t.undoAlone(ctx, &u); err != nil {
			return State{}, err
		}
		u.SQL = ""
	}
	if err := t.takenBack(ctx, &u); err != nil {
		return State{}, err
	}
	delete(t.steps, s.ID)
	t.c.Tell(Event{Kind: Finished, Step: s, Took: time.Since(t.tries.since), Words: "taken back"})
	return State{Step: s}, t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return t.log(ctx, conn, s.ID, "taken back", "")
	})
}

// room drops the schema that plans keep their cursors in, where this plan has made one and it is empty: it goes
// with the last step that a plan contracts, which has no undo of its own.
func (t *Target) room(ctx context.Context) error {
	made := slices.ContainsFunc(t.c.Plan.Steps, func(s onward.PlanStep) bool {
		return strings.Contains(s.SQL, "CREATE SCHEMA IF NOT EXISTS "+onward.PlanRoom)
	})
	if !made {
		return nil
	}
	var empty bool
	if err := t.read(ctx, `SELECT NOT EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = n.oid)
		FROM (SELECT (SELECT oid FROM pg_namespace WHERE nspname = $1) AS oid) AS n`, []any{onward.PlanRoom}, &empty); err != nil || !empty {
		return err
	}
	return t.guarded(context.WithoutCancel(ctx), queue.FirstStall, underLock, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+onward.PlanRoom+" RESTRICT")
		return err
	})
}

// undoAlone runs an undo that must not be in a transaction. Its statements pass over what is gone already.
func (t *Target) undoAlone(ctx context.Context, u *onward.PlanStep) error {
	f, err := pgparse.Split(u.SQL)
	if err != nil {
		return input(u.ID + ": its undo cannot be read")
	}
	for _, stmt := range f.Stmts {
		one := *u
		one.SQL = f.Src[stmt.Start:stmt.End]
		if err := t.building(ctx, &one); err != nil {
			return err
		}
	}
	return nil
}

// takenBack runs an undo in the transaction that says so in the ledger.
func (t *Target) takenBack(ctx context.Context, u *onward.PlanStep) error {
	sql := ""
	if u.SQL != "" {
		var err error
		if sql, err = inner(u); err != nil {
			return err
		}
	}
	return t.guarded(context.WithoutCancel(ctx), t.stall(), t.stall()+underLock, func(ctx context.Context, tx pgx.Tx) error {
		if sql != "" {
			if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		return t.noted(ctx, tx, func() error { return ledger.Undone(ctx, tx, t.plan.ID, u.ID) })
	})
}

// concurrently reports whether an undo must be alone.
func concurrently(sql string) bool {
	return strings.Contains(sql, " CONCURRENTLY ")
}

// givenUp says that others were in the way of a step for too long.
func (t *Target) givenUp(ctx context.Context, s *State) error {
	why := fmt.Sprintf("others were in its way for %s", t.c.Within)
	if len(s.InTheWay) > 0 {
		why += ": " + strings.Join(s.InTheWay, "; ")
	}
	return errors.Join(&UnfinishedError{Step: s.Step.ID, Why: why}, t.hold(ctx, ledger.Waiting, why))
}
