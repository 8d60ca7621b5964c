package apply

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/migrations"
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// readProgress returns the progress of the plan as the ledger has it.
func (t *Target) readProgress(ctx context.Context) (*onward.Applied, error) {
	if t.disconnected {
		return nil, nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := t.record.ReloadSteps(ctx); err != nil {
		return nil, err
	}
	t.record.Row.Plan = *t.record.Plan
	var out *onward.Applied
	if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		damage, err := progress.ReadDamage(ctx, conn, t.record.Row, t.record.Steps)
		out = progress.DescribePlan(t.record.Row, t.record.Steps, t.c.scope, damage)
		return err
	}); err != nil {
		return out, err
	}
	if out.State == onward.ApplyDone && !t.record.AsWritten && !t.c.tableUpToDate {
		out.Next = migrations.UnrecordedAdvice(t.record.Plan, t.c.unrecordedReason)
	}
	return out, t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return progress.AddComparisons(ctx, conn, out) })
}

// Log returns the most recent log entries of a database, oldest first: those for the plan with
// this ID, or for all plans if it is "".
func Log(ctx context.Context, db, plan string, most int) ([]onward.LogEntry, error) {
	return LogAfter(ctx, db, plan, 0, most)
}

// LogAfter is [Log] for the entries after a number.
func LogAfter(ctx context.Context, db, plan string, after int64, most int) (out []onward.LogEntry, err error) {
	_, err = progress.WithLedger(ctx, db, func(conn *pgx.Conn) error {
		list, err := ledger.ReadLog(ctx, conn, plan, after, most)
		for _, e := range list {
			out = append(out, onward.LogEntry{
				Number: e.Number,
				At:     e.At.UTC().Truncate(time.Millisecond),
				Who:    e.Who,
				Plan:   e.Plan,
				Step:   e.Step,
				Event:  e.Event,
				Detail: e.Detail,
				Result: e.Result(),
				Role:   e.Role,
				OSUser: e.OSUser,
				Host:   e.Host,
				Job:    e.Job,
				Link:   e.Link,
				Commit: e.Commit,
			})
		}
		return err
	})
	return out, err
}
