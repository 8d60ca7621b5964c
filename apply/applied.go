package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// end notes that all that was asked for is done.
func (t *Target) end(ctx context.Context) error {
	return t.control.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if t.left() > 0 || t.plan.State == ledger.Done {
			return nil
		}
		t.plan.State = ledger.Done
		if err := ledger.End(ctx, conn, t.plan.ID, ledger.Done); err != nil {
			return err
		}
		return t.log(ctx, conn, "", "plan done", "")
	})
}

// left is how many steps are not done.
func (t *Target) left() int {
	left := 0
	for i := range t.c.Plan.Steps {
		if is := t.steps[t.c.Plan.Steps[i].ID]; is == nil || is.State != ledger.Done {
			left++
		}
	}
	return left
}

// applied is how far the plan is, as the ledger has it.
func (t *Target) applied(ctx context.Context) (*onward.Applied, error) {
	if t.cut {
		return nil, nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := t.reload(ctx); err != nil {
		return nil, err
	}
	t.plan.Plan = *t.c.Plan
	return describe(t.plan, t.steps), nil
}

// describe is how far a plan is.
func describe(p *ledger.Plan, steps map[string]*ledger.Step) *onward.Applied {
	out := &onward.Applied{Schema: onward.AppliedSchema, Plan: p.ID, Name: p.Name, Base: p.Plan.Base, Head: p.Plan.Head, State: onward.ApplyDone}
	for i := range p.Plan.Steps {
		s := &p.Plan.Steps[i]
		step := onward.AppliedStep{ID: s.ID, Phase: s.Phase, Class: s.Class, Why: s.Why, Head: first(s), State: onward.ApplyPending}
		if is := steps[s.ID]; is != nil {
			step.State, step.Attempts, step.Rows, step.WaitedMS = onward.ApplyState(is.State), is.Attempts, is.Rows, is.Waited.Milliseconds()
			step.Began, step.Ended, step.Note = &is.Began, is.Ended, is.Note
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
	switch p.State {
	case ledger.Aborting:
		out.State, out.Next = onward.ApplyAborting, "onward abort --db ADDRESS --plan "+p.ID
	case ledger.Abandoned:
		out.State, out.Next = onward.ApplyAbandoned, ""
	}
	return out
}

// first is the beginning of what a step does, without its settings.
func first(s *onward.PlanStep) string {
	sql := s.SQL
	if s.Transaction == onward.TransactionFile {
		if text, err := inner(s); err == nil {
			sql = text
		}
	}
	return pgparse.Clip(pgparse.Squeeze(sql))
}

// Status tells of the plans that were begun on a database, oldest first. A database without a
// ledger has none. Nothing is changed there.
func Status(ctx context.Context, db string) ([]*onward.Applied, error) {
	conn, err := reader(ctx, db)
	if conn == nil {
		return nil, err
	}
	defer conn.Close(ctx)
	plans, err := ledger.Plans(ctx, conn)
	if err != nil {
		return nil, err
	}
	var out []*onward.Applied
	for _, p := range plans {
		steps, err := ledger.Steps(ctx, conn, p.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, describe(p, steps))
	}
	return out, nil
}

// Log is the last that was done on a database, oldest first: of the plan with this ID, or of all
// for "".
func Log(ctx context.Context, db, plan string, most int) ([]onward.LogEntry, error) {
	conn, err := reader(ctx, db)
	if conn == nil {
		return nil, err
	}
	defer conn.Close(ctx)
	list, err := ledger.Entries(ctx, conn, plan, most)
	out := make([]onward.LogEntry, len(list))
	for i, e := range list {
		out[i] = onward.LogEntry{Number: e.Number, At: e.At.UTC().Truncate(time.Millisecond), Who: e.Who, Plan: e.Plan, Step: e.Step, Event: e.Event, Detail: e.Detail}
	}
	return out, err
}

// reader is a session that reads the ledger; nil where there is none.
func reader(ctx context.Context, db string) (*pgx.Conn, error) {
	conn, err := connect(ctx, db, "onward status")
	if err != nil {
		return nil, err
	}
	if _, err := isolate(ctx, conn); err != nil {
		return nil, err
	}
	if there, err := ledger.Exists(ctx, conn); err != nil || !there {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}
