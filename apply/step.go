package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/onward"
)

// Step goes on with the plan for about so long: an attempt at the step that is next, a look at
// who is in its way, or some batches of a backfill. What it did is committed, or was rolled
// back, when it returns. The errors are those of [Run].
func (t *Target) Step(ctx context.Context, budget time.Duration) (State, error) {
	number := 0
	next := func() (s *onward.PlanStep) {
		s, number = t.next()
		return s
	}
	out, err := t.turn(ctx, next, func(s *onward.PlanStep) (State, error) { return t.try(ctx, s, number, budget) })
	if err == nil && out.Done && t.left() == 0 {
		return t.conclude(ctx, budget)
	}
	return out, err
}

// turn is an attempt at the step that is next; nil is for none.
func (t *Target) turn(ctx context.Context, next func() *onward.PlanStep, try func(s *onward.PlanStep) (State, error)) (State, error) {
	if err := ctx.Err(); err != nil {
		return State{}, &UnfinishedError{Step: t.tries.step, Why: "it was interrupted", Err: err}
	}
	if t.cut {
		if err := t.recover(ctx); err != nil {
			return t.down(err)
		}
	}
	s := next()
	if s == nil {
		return State{Done: true}, nil
	}
	if t.tries.step != s.ID {
		t.begins(s)
	}
	out, err := try(s)
	if err != nil {
		return t.failed(ctx, s, err)
	}
	return out, nil
}

// down is the state while the server cannot be reached. What it says of the lease is final.
func (t *Target) down(err error) (State, error) {
	if isAny[*ledger.LostError](err) || isAny[*ledger.HeldError](err) || isAny[*ledger.OtherError](err) || isAny[*address.Error](err) {
		return State{}, err
	}
	s, _ := t.next()
	if s == nil {
		s = &t.c.Plan.Steps[len(t.c.Plan.Steps)-1]
	}
	if err := t.giveUpSilent(s, err); err != nil {
		return State{}, err
	}
	t.tell(Waits, s, "the server cannot be reached: "+address.Without(err, t.c.DB).Error())
	return State{Step: s, Waits: true, Again: time.Second}, nil
}

func isAny[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// next is the first step within what was asked for that is not done.
func (t *Target) next() (*onward.PlanStep, int) {
	for i := range t.c.Plan.Steps {
		s := &t.c.Plan.Steps[i]
		if later(s.Phase, t.c.Through) {
			return nil, 0
		}
		if is := t.steps[s.ID]; is == nil || is.State != ledger.Done {
			return s, i
		}
		if s.ID == t.c.To {
			return nil, 0
		}
	}
	return nil, 0
}

func later(a, b onward.PlanPhase) bool {
	order := map[onward.PlanPhase]int{onward.Expand: 0, onward.Backfill: 1, onward.Contract: 2}
	return order[a] > order[b]
}

// try looks who is in the way of a step, and tries it when nobody is.
func (t *Target) try(ctx context.Context, s *onward.PlanStep, number int, budget time.Duration) (State, error) {
	if err := t.judgeStep(s); err != nil {
		return State{}, err
	}
	if why := t.unhealthy(ctx, s); why != "" {
		return State{Step: s, Waits: !s.Repeat, InTheWay: []string{why}, Again: throttle.Every}, nil
	}
	// Ahead of the checks: their own queries name what is dropped.
	if state, evident, err := t.askEvidence(ctx, s); err != nil || !evident {
		return state, err
	}
	if err := t.conditions(ctx, s); err != nil {
		return State{}, err
	}
	if state, clean, err := t.findDirtyRows(ctx, s, number, budget); err != nil || !clean {
		return state, err
	}
	if list, err := t.wait(ctx, s, budget); err != nil || len(list) > 0 {
		return State{Step: s, Waits: true, InTheWay: list, Again: 50 * time.Millisecond}, err
	}
	if err := t.attempt(ctx, s, number); err != nil {
		return State{}, err
	}
	if !t.tries.begun {
		t.tries.begun = true
		t.tell(Begun, s, "")
		t.showStatements(s, s.SQL)
	}
	var err error
	switch {
	case s.Repeat:
		return t.backfill(ctx, s, budget)
	case s.Transaction == onward.TransactionNone:
		err = t.alone(ctx, s)
	default:
		err = t.together(ctx, s)
	}
	if err != nil {
		return State{}, t.refuseByData(ctx, s, number, err)
	}
	return State{Step: s}, t.finished(ctx, s)
}

// finished notes, behind its commit, that a step is done.
func (t *Target) finished(ctx context.Context, s *onward.PlanStep) error {
	took := time.Since(t.tries.since)
	t.steps[s.ID] = &ledger.Step{ID: s.ID, State: ledger.Done}
	t.c.Tell(Event{Kind: Finished, Step: s, Took: took})
	event, words := "done", fmt.Sprintf("in %s, behind others for %s", queue.Round(took), queue.Round(t.tries.waited))
	if t.again {
		event = "verified"
	}
	if v := t.tries.pass; v != nil {
		words += fmt.Sprintf("; %d rows compared, pass %d", v.Rows, v.Pass)
	}
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return t.log(ctx, conn, s.ID, event, words)
	})
}

// conditions are a step's own: its check must find no row. What follows from the order of the
// steps holds already.
func (t *Target) conditions(ctx context.Context, s *onward.PlanStep) error {
	if err := t.gone(ctx, s); err != nil {
		return err
	}
	if err := t.works(ctx, s); err != nil {
		return err
	}
	if t.tries.begun {
		return nil
	}
	if err := t.verified(ctx, s); err != nil || s.Check == "" || t.checksRowsOf(s) {
		return err
	}
	rows, err := t.query(ctx, s.Check)
	if err != nil {
		return err
	}
	if rows > 0 {
		return &RefusedError{Step: s.ID, Text: "there are rows that are not right yet, and it would fail or lose something: " + s.Check}
	}
	return nil
}

// query counts the rows of a query that only reads.
func (t *Target) query(ctx context.Context, sql string) (rows int64, err error) {
	tx, err := t.beginWork(ctx, "READ ONLY", queue.FirstStall, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx)))) }()
	if _, err := tx.Exec(ctx, t.stepSettings()); err != nil {
		return 0, err
	}
	defer t.silence.Allow()() // it may read a whole table
	tag, err := tx.Exec(ctx, sql)
	return tag.RowsAffected(), err
}

func ignoreClosed(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// attempt notes that the session that works tries a step.
func (t *Target) attempt(ctx context.Context, s *onward.PlanStep, number int) error {
	if s.Repeat && t.tries.begun {
		return nil
	}
	return live.AsOwn(ctx, t.work, func() error {
		return t.lease.Attempt(ctx, t.work, t.plan.ID, s.ID, number, ledger.Checksum(s))
	})
}

func (t *Target) tell(kind EventKind, s *onward.PlanStep, words string) {
	t.c.Tell(Event{Kind: kind, Step: s, Words: words})
}

// stall is the lock_timeout of the next attempt.
func (t *Target) stall() time.Duration {
	d := queue.FirstStall
	for range t.tries.lost / losses {
		d *= 2
	}
	return min(d, t.c.MaxStall)
}

// failed tells what becomes of a step whose attempt failed.
func (t *Target) failed(ctx context.Context, s *onward.PlanStep, err error) (State, error) {
	switch {
	case isAny[*RefusedError](err) || isAny[*ledger.LostError](err) || isAny[*UnfinishedError](err):
		return State{}, err
	case ctx.Err() != nil:
		return State{}, &UnfinishedError{Step: s.ID, Why: "it was interrupted", Err: ctx.Err()}
	}
	if err := t.giveUpSilent(s, err); err != nil {
		return State{}, err
	}
	switch means(err) {
	case lost:
		t.tries.lost++
		t.tries.waited += t.stall()
		t.tell(Lost, s, said(err))
		return State{Step: s, Waits: true, Again: queue.Backoff(t.stall(), t.tries.lost)}, nil
	case cut:
		t.cut = true
		t.tell(Waits, s, "the connection is gone: "+address.Without(err, t.c.DB).Error())
		return State{Step: s, Waits: true, Again: 200 * time.Millisecond}, nil
	}
	err = address.Without(err, t.c.DB)
	return State{}, errors.Join(&UnfinishedError{Step: s.ID, Why: said(err), Err: err}, t.hold(ctx, ledger.Failed, said(err)))
}

// said is what the server says, in its words, without values of rows.
func said(err error) string {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return err.Error()
	}
	text := redact.Words(refused)
	if refused.Message == toolAtWork { // our own words
		text = toolAtWork
	}
	if mine := new(cancelledError); errors.As(err, &mine) {
		text = mine.why
	}
	return text
}
