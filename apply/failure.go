package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/attempt"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/internal/violation"
	"github.com/onward-sql/onward/onward"
)

// handleFailure decides what follows a failed attempt at a step.
func (t *Target) handleFailure(ctx context.Context, s *onward.PlanStep, err error) (State, error) {
	switch {
	case run.IsAny[*RefusedError](err) || run.IsAny[*ledger.LostError](err) || run.IsAny[*UnfinishedError](err):
		return State{}, err
	case ctx.Err() != nil:
		return State{}, &UnfinishedError{Step: s.ID, Why: "it was interrupted", Err: ctx.Err()}
	}
	if err := t.giveUpOnSilentServer(s, err); err != nil {
		return State{}, err
	}
	switch session.ClassifyError(err) {
	case session.RetryLock:
		t.record.Tries.LostRaces++
		if lost := new(session.LostRepackError); errors.As(err, &lost) {
			return t.retryRepack(ctx, s, lost)
		}
		t.record.Tries.Waited += t.record.Tries.LockTimeout()
		t.record.ReportEvent(Lost, s, session.ServerMessage(err))
		return t.lostRaceState(s, err), nil
	case session.Recheck:
		t.record.Tries.Started = false
		t.rows.Reset()
		t.record.ReportEvent(Lost, s, session.ServerMessage(err)+"; they are checked again")
		return t.lostRaceState(s, err), nil
	case session.ConnectionLost:
		t.disconnected = true
		reason := "the connection is gone: " + address.RedactError(err, t.session.URL).Error()
		t.record.ReportEvent(Waits, s, reason)
		return State{Step: s, Waits: true, InTheWay: []string{reason}, Again: 200 * time.Millisecond}, nil
	}
	err = address.RedactError(err, t.session.URL)
	reason, next := t.describeRefusal(ctx, err), ""
	if attempt.IsMissing(err) && !t.record.AsWritten && !t.record.Undoing {
		next = underway.AbortCommand(t.record.Row.ID, t.record.Scope.Schema)
		reason += "; a migration that the plan replaces may have run. " + next + " undoes what is left of the plan"
	}
	return State{}, errors.Join(&UnfinishedError{Step: s.ID, Why: reason, Err: err, Next: next}, t.record.RecordStepState(ctx, ledger.Failed, reason))
}

// retryRepack decides what follows a copy that was lost at its end: a few others, after pauses in which those who waited go on.
func (t *Target) retryRepack(ctx context.Context, s *onward.PlanStep, lost *session.LostRepackError) (State, error) {
	t.record.Tries.LostRepacks++
	n := t.record.Tries.LostRepacks
	t.record.ReportEvent(Lost, s, lost.Why)
	if n >= queue.RepackAttempts {
		reason := fmt.Sprintf("it has lost %d copies of the table; the last time %s", n, lost.Why)
		return State{}, errors.Join(&UnfinishedError{Step: s.ID, Why: reason, Err: lost}, t.record.RecordStepState(ctx, ledger.Waiting, reason))
	}
	return State{Step: s, Waits: true, InTheWay: []string{lost.Why}, Again: time.Duration(n) * queue.RepackPause}, nil
}

// lostRaceState returns the state after an attempt that lost to somebody else.
func (t *Target) lostRaceState(s *onward.PlanStep, err error) State {
	pause := queue.Backoff(t.record.Tries.LockTimeout(), t.record.Tries.LostRaces)
	return State{Step: s, Waits: true, InTheWay: []string{session.ServerMessage(err)}, Again: pause}
}

// unreachableState returns the state while the server cannot be reached. Errors about the lease are final.
func (t *Target) unreachableState(err error) (State, error) {
	if run.IsAny[*ledger.LostError](err) || run.IsAny[*ledger.HeldError](err) || run.IsAny[*ledger.OtherError](err) ||
		run.IsAny[*PlantedError](err) || run.IsAny[*address.Error](err) {
		return State{}, err
	}
	s, _ := t.record.NextStep()
	if s == nil {
		s = &t.record.Plan.Steps[len(t.record.Plan.Steps)-1]
	}
	if live.IsLoginRefused(err) { // waiting does not help: the caller may know another password
		return State{}, &UnfinishedError{Step: s.ID, Why: session.ServerMessage(err), Err: address.RedactError(err, t.session.URL)}
	}
	if err := t.giveUpOnSilentServer(s, err); err != nil {
		return State{}, err
	}
	reason := "the server cannot be reached: " + address.RedactError(err, t.session.URL).Error()
	t.record.ReportEvent(Waits, s, reason)
	return State{Step: s, Waits: true, InTheWay: []string{reason}, Again: time.Second}, nil
}

// resumeAfterLostConnection continues after a lost connection. It takes the lease again, which waits for the end of the running transaction, and then reads
// from the ledger what was committed.
func (t *Target) resumeAfterLostConnection(ctx context.Context) error {
	if err := t.session.Open(ctx); err != nil {
		return err
	}
	if err := t.record.TakeLease(ctx, t.session.Lease.Epoch, t.record.Within); err != nil {
		return err
	}
	if err := t.record.ReloadSteps(ctx); err != nil {
		return err
	}
	t.disconnected = false
	t.backfill.Reread()
	t.record.Tell(Event{Kind: Recovered})
	return nil
}

// giveUpOnSilentServer ends a step if neither session has heard from the server within the allowed silence. A server that
// refuses connections has answered. For that case, and for a single lost connection, --within applies.
func (t *Target) giveUpOnSilentServer(s *onward.PlanStep, err error) error {
	endless := new(live.EndlessError)
	switch {
	case errors.As(err, &endless):
		return &UnfinishedError{Step: s.ID, Why: endless.Error(), Err: err}
	case !live.IsSilence(err) || t.session.Silence.SilentFor() < t.session.Silence.Limit():
		return nil
	}
	t.disconnected = true // the outcome of the step is unknown: the next run asks the ledger
	silent := &live.SilentError{For: t.session.Silence.Limit(), Err: err}
	return &UnfinishedError{Step: s.ID, Why: silent.Error() + ", on either session: look at the server, then run the same command again", Err: silent}
}

// refuseStepWithBadRows refuses a step that failed on the server because of rows that were written after the check. An invalid index from the failed
// build is dropped, because it would go on rejecting rows.
func (t *Target) refuseStepWithBadRows(ctx context.Context, s *onward.PlanStep, number int, cause error) error {
	refused := new(pgconn.PgError)
	if !errors.As(cause, &refused) || !strings.HasPrefix(refused.Code, "23") || t.record.AsWritten {
		return cause
	}
	conditions, err := violation.StepConditions(t.record.Plan, number, t.rows.TableLookup(ctx))
	if err != nil || len(conditions) == 0 {
		return errors.Join(cause, err)
	}
	if build := pgparse.ParseStatement(s.SQL).GetIndexStmt(); build != nil {
		if _, err := t.attempt.ClearInvalidIndex(ctx, s, build); err != nil {
			return errors.Join(cause, err)
		}
	}
	text := redact.MessageWithCode(refused) + ". Correct the rows, then run the same command again"
	for _, c := range conditions {
		text += "\n" + c.FindQuery("", nil) + ";"
	}
	return t.record.RefuseAndRecord(ctx, s, text)
}

// Event is something that happened.
type Event = run.Event

// EventKind is what happened.
type EventKind = run.EventKind

// The kinds.
const (
	Held      = run.Held      // another process works on the database
	Begun     = run.Begun     // a step has started
	Waits     = run.Waits     // waiting for blockers
	Lost      = run.Lost      // an attempt lost a lock race
	Passed    = run.Passed    // a batch of a backfill was processed
	Compared  = run.Compared  // some rows of a backfill were compared with their expected values
	Mended    = run.Mended    // some wrong rows were repaired
	Skipped   = run.Skipped   // the change of a row failed during a backfill: the row is in quarantine
	Throttled = run.Throttled // a backfill pauses, because others suffer or because somebody asked for it
	Recovered = run.Recovered // after a lost connection
	Undoing   = run.Undoing   // a step is being undone
	Carried   = run.Carried   // privileges and settings of this database were copied to the object that replaces the old one
	Sends     = run.Sends     // a statement of a step, which was judged
	Finished  = run.Finished  // a step is done
	Warned    = run.Warned    // what the role of the run should not be
	Unchecked = run.Unchecked // the rows were not checked before a step: the server does not answer the query
)

// GoesOn is the text of the [Throttled] event with which a paused backfill resumes.
const GoesOn = run.GoesOn

// describeRefusal returns the server's message about a step: "the event trigger no_drops refuses it: ask the DBA (SQLSTATE P0001)". The words that a
// function raises may quote rows, and are not shown. A function of an event trigger sees statements and no rows, so its words are shown.
func (t *Target) describeRefusal(ctx context.Context, err error) string {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return session.ServerMessage(err)
	}
	function := redact.RaisingFunction(refused)
	if function == "" {
		return session.ServerMessage(err)
	}
	var name string
	if asked := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT quote_ident(e.evtname) FROM pg_catalog.pg_event_trigger AS e JOIN pg_catalog.pg_proc AS p ON p.oid = e.evtfoid
			WHERE e.evtenabled <> 'D' AND $1 IN (quote_ident(p.proname) || '()', p.oid::regprocedure::text) ORDER BY 1 LIMIT 1`, function).Scan(&name)
	}); asked != nil { // it is only for the message
		return session.ServerMessage(err)
	}
	text := fmt.Sprintf("the event trigger %s refuses it: %s", name, refused.Message)
	if refused.Hint != "" {
		text += " (" + refused.Hint + ")"
	}
	return text + " (SQLSTATE " + refused.Code + ")"
}
