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

// Step works on the plan for about the time in budget: one attempt at the next step, a check
// of the lock queue, or some batches of a backfill. When it returns, its work is committed or
// rolled back. The errors are the same as for [Run].
func (t *Target) Step(ctx context.Context, budget time.Duration) (State, error) {
	number := 0
	next := func() (s *onward.PlanStep) {
		s, number = t.nextStep()
		return s
	}
	out, err := t.attemptNext(ctx, next, func(s *onward.PlanStep) (State, error) { return t.tryStep(ctx, s, number, budget) })
	if err == nil && out.Done && t.countUnfinished() == 0 {
		return t.concludePlan(ctx, budget)
	}
	return out, err
}

// attemptNext makes one attempt at the next step; next returns nil if there is none.
func (t *Target) attemptNext(ctx context.Context, next func() *onward.PlanStep, try func(s *onward.PlanStep) (State, error)) (State, error) {
	if err := ctx.Err(); err != nil {
		return State{}, &UnfinishedError{Step: t.tries.step, Why: "it was interrupted", Err: err}
	}
	if t.disconnected {
		if err := t.recoverConnection(ctx); err != nil {
			return t.unreachableState(err)
		}
	}
	s := next()
	if s == nil {
		return State{Done: true}, nil
	}
	if t.tries.step != s.ID {
		t.resetTries(s)
	}
	out, err := try(s)
	if err != nil {
		return t.handleFailure(ctx, s, err)
	}
	return out, nil
}

// unreachableState returns the state while the server cannot be reached. Errors about the lease are final.
func (t *Target) unreachableState(err error) (State, error) {
	if isAny[*ledger.LostError](err) || isAny[*ledger.HeldError](err) || isAny[*ledger.OtherError](err) || isAny[*address.Error](err) {
		return State{}, err
	}
	s, _ := t.nextStep()
	if s == nil {
		s = &t.c.Plan.Steps[len(t.c.Plan.Steps)-1]
	}
	if live.IsLoginRefused(err) { // waiting does not help: the caller may know another password
		return State{}, &UnfinishedError{Step: s.ID, Why: serverMessage(err), Err: address.RedactError(err, t.c.DB)}
	}
	if err := t.giveUpSilent(s, err); err != nil {
		return State{}, err
	}
	t.reportEvent(Waits, s, "the server cannot be reached: "+address.RedactError(err, t.c.DB).Error())
	return State{Step: s, Waits: true, Again: time.Second}, nil
}

func isAny[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// nextStep returns the first unfinished step within the requested range.
func (t *Target) nextStep() (*onward.PlanStep, int) {
	for i := range t.c.Plan.Steps {
		s := &t.c.Plan.Steps[i]
		if isLater(s.Phase, t.c.Through) {
			return nil, 0
		}
		if recorded := t.steps[s.ID]; recorded == nil || recorded.State != ledger.Done {
			return s, i
		}
		if s.ID == t.c.To {
			return nil, 0
		}
	}
	return nil, 0
}

func isLater(a, b onward.PlanPhase) bool {
	order := map[onward.PlanPhase]int{onward.Expand: 0, onward.Backfill: 1, onward.Contract: 2}
	return order[a] > order[b]
}

// tryStep checks whether the step is blocked, and tries it if it is not.
func (t *Target) tryStep(ctx context.Context, s *onward.PlanStep, number int, budget time.Duration) (State, error) {
	if err := t.checkStepPermissions(s); err != nil {
		return State{}, err
	}
	if why := t.checkHealth(ctx, s); why != "" {
		return State{Step: s, Waits: !s.Repeat, InTheWay: []string{why}, Again: throttle.Every}, nil
	}
	// This precedes the checks, because their own queries name what is dropped.
	if state, evident, err := t.askEvidence(ctx, s); err != nil || !evident {
		return state, err
	}
	if err := t.checkConditions(ctx, s); err != nil {
		return State{}, err
	}
	if state, clean, err := t.findDirtyRows(ctx, s, number, budget); err != nil || !clean {
		return state, err
	}
	if list, err := t.waitForQueue(ctx, s, budget); err != nil || len(list) > 0 {
		return State{Step: s, Waits: true, InTheWay: list, Again: 50 * time.Millisecond}, err
	}
	if err := t.recordAttempt(ctx, s, number); err != nil {
		return State{}, err
	}
	if !t.tries.started {
		t.tries.started = true
		t.reportEvent(Begun, s, "")
		t.showStatements(s, s.SQL)
	}
	var err error
	switch {
	case s.Repeat:
		return t.runBackfill(ctx, s, budget)
	case s.Transaction == onward.TransactionNone:
		err = t.runAlone(ctx, s)
	default:
		err = t.runInTransaction(ctx, s)
	}
	if err != nil {
		return State{}, t.refuseByData(ctx, s, number, err)
	}
	return State{Step: s}, t.recordFinished(ctx, s, "done", "")
}

// recordFinished records, after the commit, that a step is done: an event of the log, with details.
func (t *Target) recordFinished(ctx context.Context, s *onward.PlanStep, event, details string) error {
	took := time.Since(t.tries.since)
	t.steps[s.ID] = &ledger.Step{ID: s.ID, State: ledger.Done}
	t.c.Tell(Event{Kind: Finished, Step: s, Took: took})
	words := fmt.Sprintf("in %s, waited %s for others", queue.RoundDuration(took), queue.RoundDuration(t.tries.waited)) + details
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return t.logEvent(ctx, conn, s.ID, event, words)
	})
}

// checkConditions checks the step's own conditions: its check query must find no row. Conditions
// that follow from the order of the steps hold already.
func (t *Target) checkConditions(ctx context.Context, s *onward.PlanStep) error {
	if err := t.refuseOldSessions(ctx, s); err != nil {
		return err
	}
	if err := t.checkWorkload(ctx, s); err != nil {
		return err
	}
	if t.tries.started {
		return nil
	}
	if err := t.requireVerified(ctx, s); err != nil || s.Check == "" || t.checksRowsOf(s) {
		return err
	}
	rows, err := t.countRows(ctx, s.Check)
	if err != nil {
		return err
	}
	if rows > 0 {
		return &RefusedError{Step: s.ID, Text: "there are rows that are not right yet, and it would fail or lose something: " + s.Check}
	}
	return nil
}

// countRows counts the rows of a read-only query.
func (t *Target) countRows(ctx context.Context, sql string) (rows int64, err error) {
	tx, err := t.beginWork(ctx, "READ ONLY", queue.FirstStall, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx)))) }()
	if _, err := tx.Exec(ctx, t.stepSettings()); err != nil {
		return 0, err
	}
	defer t.silence.AllowLong()() // it may read a whole table
	tag, err := tx.Exec(ctx, sql)
	return tag.RowsAffected(), err
}

func ignoreClosed(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// recordAttempt records in the ledger that the work session tries a step.
func (t *Target) recordAttempt(ctx context.Context, s *onward.PlanStep, number int) error {
	if s.Repeat && t.tries.started {
		return nil
	}
	return live.AsOwn(ctx, t.work, func() error {
		return t.lease.RecordAttempt(ctx, t.work, t.plan.ID, s.ID, number, ledger.StepChecksum(s))
	})
}

func (t *Target) reportEvent(kind EventKind, s *onward.PlanStep, words string) {
	t.c.Tell(Event{Kind: kind, Step: s, Words: words})
}

// lockTimeout returns the lock_timeout of the next attempt.
func (t *Target) lockTimeout() time.Duration {
	d := queue.FirstStall
	for range t.tries.lostRaces / losses {
		d *= 2
	}
	return min(d, t.c.MaxStall)
}

// handleFailure decides what follows a failed attempt at a step.
func (t *Target) handleFailure(ctx context.Context, s *onward.PlanStep, err error) (State, error) {
	switch {
	case isAny[*RefusedError](err) || isAny[*ledger.LostError](err) || isAny[*UnfinishedError](err):
		return State{}, err
	case ctx.Err() != nil:
		return State{}, &UnfinishedError{Step: s.ID, Why: "it was interrupted", Err: ctx.Err()}
	}
	if err := t.giveUpSilent(s, err); err != nil {
		return State{}, err
	}
	switch classifyError(err) {
	case retryLock:
		t.tries.lostRaces++
		t.tries.waited += t.lockTimeout()
		t.reportEvent(Lost, s, serverMessage(err))
		return State{Step: s, Waits: true, Again: queue.Backoff(t.lockTimeout(), t.tries.lostRaces)}, nil
	case connectionLost:
		t.disconnected = true
		t.reportEvent(Waits, s, "the connection is gone: "+address.RedactError(err, t.c.DB).Error())
		return State{Step: s, Waits: true, Again: 200 * time.Millisecond}, nil
	}
	err = address.RedactError(err, t.c.DB)
	return State{}, errors.Join(&UnfinishedError{Step: s.ID, Why: serverMessage(err), Err: err}, t.recordStepState(ctx, ledger.Failed, serverMessage(err)))
}

// serverMessage returns the server's message, without values of rows.
func serverMessage(err error) string {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return err.Error()
	}
	text := redact.MessageWithCode(refused)
	if refused.Message == toolAtWork { // onward's own message
		text = toolAtWork
	}
	if mine := new(cancelledError); errors.As(err, &mine) {
		text = mine.why
	}
	return text
}
