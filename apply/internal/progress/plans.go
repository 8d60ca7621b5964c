// Package progress has the progress of a plan: its lease and its rows in the ledger, and what is reported of it.
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
	"github.com/onward-sql/onward/apply/internal/schemaplan"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

// ChoiceError says that no plan of the ledger, or more than one, is what was asked for. onward status lists the plans.
type ChoiceError struct{ text string }

// Error says it.
func (e *ChoiceError) Error() string { return e.text }

func newChoiceError(text string) error { return &config.InputError{Err: &ChoiceError{text}} }

// ChooseSinglePlan is [ChoosePlans] for a command that takes one plan.
func ChooseSinglePlan(list []*ledger.Plan, id string) (*ledger.Plan, error) {
	list, err := ChoosePlans(list, id)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 1:
		return list[0], nil
	}
	var ids []string
	for _, p := range list {
		ids = append(ids, p.ID)
	}
	return nil, newChoiceError("several plans are under way: name one with --plan, of " + strings.Join(ids, ", "))
}

// ChoosePlans returns the plan with the given ID, or all plans for "". list must not be empty.
func ChoosePlans(list []*ledger.Plan, id string) ([]*ledger.Plan, error) {
	switch i := slices.IndexFunc(list, func(p *ledger.Plan) bool { return p.ID == id }); {
	case i >= 0:
		return list[i : i+1], nil
	case id != "":
		return nil, newChoiceError(fmt.Sprintf("no plan %s is under way on this database: onward status shows which there are", id))
	case len(list) == 0:
		return nil, newChoiceError("no plan of this database is under way: onward status shows what there was")
	}
	return list, nil
}

// ReadPlans returns the plans of a scope, oldest first, as they run under the present name of their schema.
func ReadPlans(ctx context.Context, conn ledger.Conn, scope ledger.Scope) ([]*ledger.Plan, error) {
	list, err := scope.ReadPlans(ctx, conn)
	for _, p := range list {
		if err := schemaplan.FollowSchema(p, scope); err != nil {
			return nil, err
		}
	}
	return list, err
}

// PlansToRun is [ReadPlans] for a run. It refuses a schema if another one has its former name, or if its name is another one's former name: then
// nobody says which of them an unfinished plan is for.
func PlansToRun(ctx context.Context, conn ledger.Conn, scope ledger.Scope) ([]*ledger.Plan, error) {
	renamed, err := scope.FindRenamed(ctx, conn)
	if err != nil {
		return nil, err
	}
	if r := renamed; r != nil {
		return nil, &run.RefusedError{Text: fmt.Sprintf("plan %s was begun in the schema %q, which is now called %q, and another schema is called %[2]q: "+
			"nobody says which of them is meant. Nothing was changed. Rename the other one until that plan is done (ALTER SCHEMA %s RENAME TO …), "+
			"then go on with --schema %[3]s", r.ID, r.OldName, r.NewName, pgparse.QuoteIdent(r.OldName))}
	}
	return ReadPlans(ctx, conn, scope)
}

// UnfinishedPlans returns the unfinished plans of a scope, oldest first.
func UnfinishedPlans(ctx context.Context, conn ledger.Conn, scope ledger.Scope) ([]*ledger.Plan, error) {
	list, err := PlansToRun(ctx, conn, scope)
	return slices.DeleteFunc(list, func(p *ledger.Plan) bool { return p.State == ledger.Done || p.State == ledger.Abandoned }), err
}

// RefuseAborting refuses to go on with a plan that is being taken back.
func RefuseAborting(p *ledger.Plan, scope ledger.Scope) error {
	if p.State != ledger.Aborting {
		return nil
	}
	return &run.RefusedError{Text: "this plan is being taken back: onward abort goes on with that", Next: underway.AbortCommand(p.ID, scope.Schema)}
}

// RequireReached refuses a plan that has unfinished steps before a phase, or is being taken back.
func RequireReached(p *ledger.Plan, steps map[string]*ledger.Step, phase onward.PlanPhase, scope ledger.Scope) error {
	if err := RefuseAborting(p, scope); err != nil {
		return err
	}
	for i := range p.Plan.Steps {
		s := &p.Plan.Steps[i]
		if recorded := steps[s.ID]; isLaterPhase(phase, s.Phase) && (recorded == nil || recorded.State != ledger.Done) {
			return &run.RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("plan %s is not so far: this step of its %s is not done", p.ID, s.Phase),
				Next: continueCommand(p, s.Phase, scope),
			}
		}
	}
	return nil
}

// WithLedger opens a session and calls look if the database has a ledger.
func WithLedger(ctx context.Context, db string, look func(conn *pgx.Conn) error) (hasLedger bool, err error) {
	conn, err := live.Connect(ctx, db, "onward status", nil)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // nothing is lost with it
	err = live.AsOwn(ctx, conn, func() error {
		if _, err := session.PrimaryVersion(ctx, conn); err != nil {
			return err
		}
		if hasLedger, err = ledger.HasLedger(ctx, conn); err != nil || !hasLedger {
			return err
		}
		return look(conn)
	})
	return hasLedger && err == nil, err
}

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

// Request is what a run is asked to do.
type Request struct {
	Scope ledger.Scope
	// Plan is the plan as it runs here.
	Plan *onward.Plan
	// Through is the last phase to carry out, To the last step; "" for no particular one.
	Through onward.PlanPhase
	To      string
	// Within limits how long one step is tried.
	Within time.Duration
	// Who is the person or job that runs the plan.
	Who string
	// AsWritten: the plan is an unchanged migration and was not made for a particular schema. Undoing: steps are being undone.
	AsWritten, Undoing bool
	// Tell is called for each event.
	Tell func(run.Event)
}

// Record is the progress of a plan. It keeps it in the ledger, and reports it as events.
type Record struct {
	Request
	session *session.Session
	Tries   *run.Tries
	// Row is the plan in the ledger, and Steps are its steps as last read from there.
	Row   *ledger.Plan
	Steps map[string]*ledger.Step

	stop        context.CancelFunc // ends the renewal of the lease
	renewalDone chan struct{}
}

// NewRecord returns the record of a run on a target.
func NewRecord(s *session.Session, q Request) *Record {
	return &Record{Request: q, session: s, Tries: s.Tries}
}
