package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// countUnfinished counts the steps that are not done.
func (t *Target) countUnfinished() int {
	left := 0
	for i := range t.c.Plan.Steps {
		if recorded := t.steps[t.c.Plan.Steps[i].ID]; recorded == nil || recorded.State != ledger.Done {
			left++
		}
	}
	return left
}

// readProgress returns the progress of the plan as the ledger has it.
func (t *Target) readProgress(ctx context.Context) (*onward.Applied, error) {
	if t.disconnected {
		return nil, nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := t.reloadSteps(ctx); err != nil {
		return nil, err
	}
	t.plan.Plan = *t.c.Plan
	out := describePlan(t.plan, t.steps)
	if out.State == onward.ApplyDone && !t.c.asWritten && !t.c.tableUpToDate {
		out.Next = unrecordedAdvice(t.c.Plan, t.c.unrecordedReason)
	}
	return out, t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return addComparisons(ctx, conn, out) })
}

// addComparisons adds which rows of backfills were compared, and which are in quarantine.
func addComparisons(ctx context.Context, conn ledger.Conn, out *onward.Applied) error {
	passes, err := ledger.ReadVerifications(ctx, conn, out.Plan)
	if err != nil {
		return err
	}
	apart, err := ledger.CountQuarantined(ctx, conn, out.Plan)
	if err != nil {
		return err
	}
	for i := range out.Steps {
		s := &out.Steps[i]
		if v := passes[s.ID]; v != nil {
			s.Compared, s.Verified = v.Rows, v.Clean
		}
		if s.Quarantined = apart[s.ID]; s.Quarantined > 0 {
			s.Find = quarantineQuery(out.Plan, s.ID)
		}
	}
	return nil
}

// describePlan returns the progress of a plan.
func describePlan(p *ledger.Plan, steps map[string]*ledger.Step) *onward.Applied {
	out := &onward.Applied{Schema: onward.AppliedSchema, Plan: p.ID, Name: p.Name, Base: p.Plan.Base, Head: p.Plan.Head, State: onward.ApplyDone}
	for i := range p.Plan.Steps {
		s := &p.Plan.Steps[i]
		step := onward.AppliedStep{ID: s.ID, Phase: s.Phase, Class: s.Class, Why: s.Why, Head: clipSQL(s), State: onward.ApplyPending}
		if recorded := steps[s.ID]; recorded != nil {
			step.State, step.Attempts = onward.ApplyState(recorded.State), recorded.Attempts
			step.Rows, step.WaitedMS = recorded.Rows, recorded.Waited.Milliseconds()
			step.Began, step.Ended, step.Note = &recorded.Began, recorded.Ended, recorded.Note
		}
		if step.State != onward.ApplyDone && out.State == onward.ApplyDone {
			out.State = step.State
			if i > 0 && step.State == onward.ApplyPending {
				out.State = onward.ApplyRunning
			}
			if s.Phase == onward.Contract && step.State == onward.ApplyPending {
				out.Next = fmt.Sprintf("when no process of %s is left: onward apply --through contract", p.Plan.Base)
			}
		}
		out.Steps = append(out.Steps, step)
	}
	if !isUnchangedMigration(p) {
		out.StayChanged = changedBy(&p.Plan, func(id string) bool { return steps[id] != nil })
	}
	switch p.State {
	case ledger.Running, "":
		if out.State == onward.ApplyDone && p.Plan.Contract() < len(p.Plan.Steps) { // its foreign keys are not proven yet
			out.State, out.Next = onward.ApplyRunning, "onward contract --db ADDRESS --plan "+p.ID
		}
	case ledger.Aborting:
		out.State, out.Next = onward.ApplyAborting, "onward abort --db ADDRESS --plan "+p.ID
	case ledger.Abandoned:
		out.State, out.Next = onward.ApplyAbandoned, ""
	}
	return out
}

// clipSQL returns the beginning of a step's SQL, without its settings.
func clipSQL(s *onward.PlanStep) string {
	sql := s.SQL
	if s.Transaction == onward.TransactionFile {
		if text, err := innerSQL(s); err == nil {
			sql = text
		}
	}
	return pgparse.ClipName(pgparse.SqueezeSQL(sql))
}

// Log returns the most recent log entries of a database, oldest first: those for the plan with
// this ID, or for all plans if it is "".
func Log(ctx context.Context, db, plan string, most int) (out []onward.LogEntry, err error) {
	_, err = withLedger(ctx, db, func(conn *pgx.Conn) error {
		list, err := ledger.ReadLog(ctx, conn, plan, most)
		for _, e := range list {
			out = append(out, onward.LogEntry{
				Number: e.Number,
				At:     e.At.UTC().Truncate(time.Millisecond),
				Who:    e.Who,
				Plan:   e.Plan,
				Step:   e.Step,
				Event:  e.Event,
				Detail: e.Detail,
			})
		}
		return err
	})
	return out, err
}

// withLedger opens a session and calls look if the database has a ledger.
func withLedger(ctx context.Context, db string, look func(conn *pgx.Conn) error) (there bool, err error) {
	conn, err := live.Connect(ctx, db, "onward status", nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	err = live.AsOwn(ctx, conn, func() error {
		if _, err := primaryVersion(ctx, conn); err != nil {
			return err
		}
		if there, err = ledger.HasLedger(ctx, conn); err != nil || !there {
			return err
		}
		return look(conn)
	})
	return there && err == nil, err
}
