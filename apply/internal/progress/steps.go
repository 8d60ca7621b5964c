package progress

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/permit"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

// UndoSQL returns the SQL that undoes a started step; "" for none. A step that was started in a transaction and is not done has left
// nothing, except for the committed batches of a backfill.
func (r *Record) UndoSQL(s *onward.PlanStep) string {
	recorded := r.Steps[s.ID]
	if recorded == nil || recorded.State != ledger.Done && s.Transaction != onward.TransactionNone && !s.Repeat {
		return ""
	}
	return s.Undo
}

// RequestedSteps returns the steps from s to the last requested one.
func (r *Record) RequestedSteps(s *onward.PlanStep) []onward.PlanStep {
	var out []onward.PlanStep
	for i := range r.Plan.Steps {
		next := &r.Plan.Steps[i]
		if len(out) > 0 || next.ID == s.ID {
			out = append(out, *next)
		}
		if next.ID == r.To {
			break
		}
	}
	return out
}

// IsFirstOfPhase reports whether nothing was started yet of a step's half of the plan: of the contract, or of everything before it.
func (r *Record) IsFirstOfPhase(s *onward.PlanStep) bool {
	for i := range r.Plan.Steps {
		o := &r.Plan.Steps[i]
		if (o.Phase == onward.Contract) == (s.Phase == onward.Contract) && r.Steps[o.ID] != nil {
			return false
		}
	}
	return true
}

// CountUnfinished counts the steps that are not done.
func (r *Record) CountUnfinished() int {
	left := 0
	for i := range r.Plan.Steps {
		if recorded := r.Steps[r.Plan.Steps[i].ID]; recorded == nil || recorded.State != ledger.Done {
			left++
		}
	}
	return left
}

// NextStep returns the first unfinished step within the requested range.
func (r *Record) NextStep() (*onward.PlanStep, int) {
	for i := range r.Plan.Steps {
		s := &r.Plan.Steps[i]
		if isLaterPhase(s.Phase, r.Through) {
			return nil, 0
		}
		if recorded := r.Steps[s.ID]; recorded == nil || recorded.State != ledger.Done {
			return s, i
		}
		if s.ID == r.To {
			return nil, 0
		}
	}
	return nil, 0
}

func isLaterPhase(a, b onward.PlanPhase) bool {
	order := map[onward.PlanPhase]int{onward.Expand: 0, onward.Backfill: 1, onward.Contract: 2}
	return order[a] > order[b]
}

// RecordFinished records, after the commit, that a step is done: an event of the log, with details.
func (r *Record) RecordFinished(ctx context.Context, s *onward.PlanStep, event, details string) error {
	took := time.Since(r.Tries.Since)
	r.Steps[s.ID] = &ledger.Step{ID: s.ID, State: ledger.Done}
	r.Tell(run.Event{Kind: run.Finished, Step: s, Took: took})
	words := fmt.Sprintf("in %s, waited %s for others", queue.RoundDuration(took), queue.RoundDuration(r.Tries.Waited)) + details
	return r.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return r.LogEvent(ctx, conn, s.ID, event, words)
	})
}

// RecordAttempt records in the ledger that the work session tries a step.
func (r *Record) RecordAttempt(ctx context.Context, s *onward.PlanStep, number int) error {
	if s.Repeat && r.Tries.Started {
		return nil
	}
	return live.AsOwn(ctx, r.session.Work, func() error {
		return r.session.Lease.RecordAttempt(ctx, r.session.Work, r.Row.ID, s.ID, number, ledger.StepChecksum(s))
	})
}

// ReloadSteps reads the progress of the steps.
func (r *Record) ReloadSteps(ctx context.Context) error {
	return r.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		r.Steps, err = ledger.ReadSteps(ctx, conn, r.Row.ID)
		return err
	})
}

// RecordStepState records why the next step is not done.
func (r *Record) RecordStepState(ctx context.Context, state, reason string) error {
	waited := r.Tries.Waited
	r.Tries.Waited = 0
	return r.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		if err := ledger.RecordStepState(ctx, conn, r.Row.ID, r.Tries.Step, state, reason, waited); err != nil {
			return err
		}
		return r.LogEvent(ctx, conn, r.Tries.Step, state, reason)
	})
}

// RunsStep reports whether a step is not done and within the requested range.
func (r *Record) RunsStep(id string) bool {
	for i := range r.Plan.Steps {
		s := &r.Plan.Steps[i]
		if isLaterPhase(s.Phase, r.Through) {
			return false
		}
		if s.ID == id {
			recorded := r.Steps[id]
			return recorded == nil || recorded.State != ledger.Done
		}
		if s.ID == r.To {
			return false
		}
	}
	return false
}

// DoneSQL returns the statements with which the transaction of a step records that it is done, in the ledger and in the table of the
// migration tool.
func (r *Record) DoneSQL(s *onward.PlanStep) string {
	sql := r.session.LedgerOwnerSQL()
	for _, mark := range []string{s.Begin, s.Record} {
		if mark != "" {
			sql += mark + ";\n"
		}
	}
	return sql + r.RecordTableRenamesSQL(s.SQL) + ledger.FinishStepSQL(r.Row.ID, s.ID)
}

// RecordDone records a step as done in a transaction that does nothing else.
func (r *Record) RecordDone(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) error {
	_, err := tx.Exec(ctx, r.DoneSQL(s), pgx.QueryExecModeSimpleProtocol)
	return err
}

// RecordTableRenamesSQL returns the statements that record, in the transaction of a step or of its undo, which tables have the names of the plan, if its
// SQL renames some. The transaction has the ledger's owner.
func (r *Record) RecordTableRenamesSQL(sql string) string {
	if r.AsWritten || !strings.Contains(sql, " RENAME TO ") {
		return ""
	}
	return ledger.RecordTableRenamesSQL(r.Row.ID)
}

// RefuseMovedTables refuses a plan one of whose tables has another name now: its steps would fail, or change another table.
func (r *Record) RefuseMovedTables(ctx context.Context) error {
	if r.AsWritten || r.Row.State == ledger.Done || r.Row.State == ledger.Abandoned {
		return nil
	}
	var moved []ledger.MovedTable
	if err := r.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		moved, err = ledger.FindMovedTables(ctx, conn, r.Row.ID, r.Plan.Relations())
		return err
	}); err != nil || len(moved) == 0 {
		return err
	}
	m := &moved[0]
	text := fmt.Sprintf("the table %s of plan %s is now called %s", m.Name, r.Row.ID, m.Now)
	if m.Taken {
		text += fmt.Sprintf(", and another one is called %s: nobody says which of them is meant", m.Name)
	}
	return &run.RefusedError{Text: text + ". Nothing was changed. Give it its former name until the plan is done, or drop it if the other one replaces it. " +
		"Then run this again"}
}

// RecordStarted records in the tool's table that a migration was started, if the step is its first one and the tool
// records that.
func RecordStarted(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) error {
	if s.Begin == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, s.Begin, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("note the migration as begun: %w", err)
	}
	return nil
}

// IsDone reports whether a step is done.
func (r *Record) IsDone(step string) bool {
	recorded := r.Steps[step]
	return recorded != nil && recorded.State == ledger.Done
}

// ReadDamage finds the tables and columns that the contract of a started plan would drop and that are gone already, and whether the plan's triggers
// fail because of that.
func ReadDamage(ctx context.Context, conn ledger.Conn, p *ledger.Plan, steps map[string]*ledger.Step) (out readiness.Damage, err error) {
	if len(steps) == 0 {
		return out, nil
	}
	return underway.ReadDamage(ctx, conn, p, newDoneLookup(steps))
}

const (
	// countTime limits the count of rows whose value cannot be converted. It reads the table once.
	countTime = 3 * time.Second
	// mostFailed is how many such rows are counted.
	mostFailed = 10_000
)

// AddFailedRows adds how many rows of finished backfills have a value that the new column cannot have, and the key of one of them. The
// deployed code can write such rows up to the last step, which they refuse. If the count takes too long or fails, the query is given without it.
func AddFailedRows(ctx context.Context, conn ledger.Conn, p *ledger.Plan, out *onward.Applied) error {
	for i := range out.Steps {
		s, planned := &out.Steps[i], &p.Plan.Steps[i]
		if planned.Backfill == nil || planned.Backfill.Failed == "" || s.State != onward.ApplyDone ||
			isContracted(out, &p.Plan, s.ID) || permit.CheckStep(planned, planned.Class) != nil {
			continue
		}
		keys := make([]string, len(planned.Backfill.Keys))
		for n, key := range planned.Backfill.Keys {
			keys[n] = "t." + key
		}
		rows := " FROM " + planned.Backfill.Table + " AS t WHERE " + planned.Backfill.Failed
		s.FindFailed = "SELECT " + strings.Join(keys, ", ") + rows
		// The failure of a statement must not end the transaction in which the ledger is read.
		begin := fmt.Sprintf("SAVEPOINT count_failed; SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = %d; "+
			"SELECT pg_catalog.set_config('search_path', %s, true)", countTime.Milliseconds(), pgparse.QuoteLiteral(p.Path))
		if _, err := conn.Exec(ctx, begin, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		count := fmt.Sprintf("WITH failed AS MATERIALIZED (SELECT pg_catalog.concat_ws(', ', %s) AS key%s LIMIT %d) "+
			"SELECT pg_catalog.count(*), coalesce(pg_catalog.min(key), '') FROM failed", strings.Join(keys, ", "), rows, mostFailed)
		err := conn.QueryRow(ctx, count).Scan(&s.Failed, &s.FailedKey)
		if _, back := conn.Exec(ctx, "ROLLBACK TO SAVEPOINT count_failed"); back != nil {
			return back
		}
		if err == nil && s.Failed == 0 {
			s.FindFailed = ""
		}
	}
	return nil
}

// isContracted reports whether a step that removes one side of a backfill is done.
func isContracted(out *onward.Applied, p *onward.Plan, backfill string) bool {
	for i := range p.Steps {
		if out.Steps[i].State == onward.ApplyDone && DependsOnComparison(&p.Steps[i], backfill) {
			return true
		}
	}
	return false
}

// DependsOnComparison reports whether a step depends on the comparison of a backfill.
func DependsOnComparison(s *onward.PlanStep, backfill string) bool {
	return slices.ContainsFunc(s.Requires, func(r onward.Requirement) bool { return r.Kind == onward.RequiresVerified && r.Step == backfill })
}

// EndRenewal ends the renewal of the lease.
func (r *Record) EndRenewal() {
	if r.stop != nil {
		r.stop()
		<-r.renewalDone
	}
}

// ReleaseLease releases the lease, if there is one. A lease that cannot be released ends by itself.
func (r *Record) ReleaseLease(ctx context.Context) {
	if r.session.Lease != nil {
		_ = r.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error { return r.session.Lease.Release(ctx, conn) })
	}
}

// TakeLease takes the lease, and waits for its holder. before is the epoch of a lease that this process has held; 0 for none.
func (r *Record) TakeLease(ctx context.Context, before int64, patience time.Duration) error {
	for end := time.Now().Add(patience); ; {
		err := r.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			lease, err := r.Scope.TakeLease(ctx, conn, r.Who, r.session.Direct, before)
			if err == nil {
				r.session.Lease = lease
			}
			return err
		})
		heldError := new(ledger.HeldError)
		if !errors.As(err, &heldError) || time.Now().After(end) {
			return err
		}
		r.Tell(run.Event{Kind: run.Held, Words: heldError.Error()})
		if err := queue.Pause(ctx, min(time.Second, max(heldError.Left, 100*time.Millisecond))); err != nil {
			return err
		}
	}
}

// KeepLease renews the lease until the target is closed. If a renewal fails, the fence of the next transaction notices.
func (r *Record) KeepLease(ctx context.Context) {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.renewalDone = make(chan struct{})
	go func() {
		defer close(r.renewalDone)
		for queue.Pause(ctx, min(ledger.Renewal, r.session.Silence.Limit()/4)) == nil {
			_ = r.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return r.session.Lease.Renew(ctx, conn) })
		}
	}()
}
