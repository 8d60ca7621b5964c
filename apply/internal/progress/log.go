package progress

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// SetPlanState changes the state of the plan in the ledger, and logs that, both in one transaction. After a lost answer it may be called again: the log
// has the event once.
func (r *Record) SetPlanState(ctx context.Context, state, event, detail string) error {
	if r.Row.State == state {
		return nil
	}
	err := r.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		isNew, err := ledger.SetPlanState(ctx, conn, r.Row.ID, state)
		if err != nil || !isNew {
			return err
		}
		return r.LogEvent(ctx, conn, "", event, detail)
	})
	if err == nil {
		r.Row.State = state
	}
	return err
}

// RefuseAndRecord returns the error that refuses a step, and records the reason in the ledger.
func (r *Record) RefuseAndRecord(ctx context.Context, s *onward.PlanStep, text string) error {
	return errors.Join(&run.RefusedError{Step: s.ID, Text: text}, r.RecordStepState(ctx, ledger.Waiting, text))
}

// ReportEvent reports an event of a step.
func (r *Record) ReportEvent(kind run.EventKind, s *onward.PlanStep, words string) {
	r.Tell(run.Event{Kind: kind, Step: s, Words: words})
}

// LogEvent writes an event of the plan, or of one of its steps, to the log.
func (r *Record) LogEvent(ctx context.Context, conn ledger.Conn, step, event, detail string) error {
	return ledger.WriteLog(ctx, conn, &ledger.Entry{Who: r.session.Lease.Holder, Plan: r.Row.ID, Step: step, Event: event, Detail: detail})
}

// ClearCancel clears a cancel: it was meant for the process that was running.
func (r *Record) ClearCancel(ctx context.Context) error {
	return r.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error { return ledger.ClearCancel(ctx, conn, r.Row.ID) })
}
