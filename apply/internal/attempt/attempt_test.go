package attempt

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// newAttempt returns the attempts of a plan that has not begun, without a server.
func newAttempt(t *testing.T, p *onward.Plan, tell func(run.Event)) *Attempt {
	t.Helper()
	s := session.NewSession(t.Context(), "", &run.Tries{})
	return NewAttempt(s, progress.NewRecord(s, progress.Request{Plan: p, Tell: tell}), nil)
}

// A step outside of a transaction waits without blocking others, but its lock is replayed on standbys. A backfill joins no queue.
func TestLockQueueOf(t *testing.T) {
	t.Parallel()
	a := newAttempt(t, nil, nil)
	a.session.Standbys = []*live.Standby{nil}
	strong := queue.WantedLock{Relation: "public.orders", Lock: onward.AccessExclusiveLock}
	weak := queue.WantedLock{Relation: "public.people", Lock: onward.RowExclusiveLock}
	effects := []onward.Effect{{Relation: strong.Relation, Lock: strong.Lock}, {Relation: weak.Relation, Lock: weak.Lock}}
	for _, c := range []struct {
		step              onward.PlanStep
		primary, standbys []queue.WantedLock
	}{
		{onward.PlanStep{Class: onward.StepDDL, Transaction: onward.TransactionFile}, []queue.WantedLock{strong, weak}, []queue.WantedLock{strong}},
		{onward.PlanStep{Class: onward.StepConcurrent, Transaction: onward.TransactionNone}, nil, []queue.WantedLock{strong}},
		{onward.PlanStep{Class: onward.StepBackfill, Transaction: onward.TransactionFile}, nil, nil},
	} {
		c.step.Effects = effects
		got := a.lockQueueOf(&c.step)
		if diff := cmp.Diff(c.primary, got.primaryQueue.Wanted); diff != "" {
			t.Errorf("locks of a step of class %s on the primary (-want +got):\n%s", c.step.Class, diff)
		}
		var standbys []queue.WantedLock
		for _, q := range got.standbyQueues {
			standbys = append(standbys, q.Wanted...)
		}
		if diff := cmp.Diff(c.standbys, standbys); diff != "" {
			t.Errorf("%s on standbys: %s", c.step.Class, diff)
		}
	}
}

// A statement that a step's class does not allow is refused. A plan without a digest, which an older onward began, may go on.
func TestStepPermissions(t *testing.T) {
	t.Parallel()
	p := &onward.Plan{Steps: []onward.PlanStep{{ID: "a", Class: onward.StepValidate, Transaction: onward.TransactionFile, SQL: "BEGIN; DELETE FROM orders; COMMIT;"}}}
	a := newAttempt(t, p, nil)
	refused := new(run.RefusedError)
	if err := a.CheckPlanPermissions(); !errors.As(err, &refused) || refused.Step != "a" {
		t.Errorf("CheckPlanPermissions = %v, want a refusal of step a", err)
	}
	a.record.Row = &ledger.Plan{Plan: onward.Plan{Digest: "d"}}
	if err := a.CheckStepPermissions(&p.Steps[0]); !errors.As(err, &refused) {
		t.Errorf("CheckStepPermissions of a plan with a digest = %v, want a refusal", err)
	}
	a.record.Row = &ledger.Plan{}
	if err := a.CheckStepPermissions(&p.Steps[0]); err != nil {
		t.Errorf("CheckStepPermissions of a plan without a digest = %v, want no error", err)
	}
}

// Statements are shown before they are sent, without passwords.
func TestShowStatements(t *testing.T) {
	t.Parallel()
	var got []string
	a := newAttempt(t, nil, func(e run.Event) { got = append(got, e.Words) })
	a.ShowStatements(&onward.PlanStep{ID: "a"}, "CREATE TABLE a\n(id int); ALTER ROLE web PASSWORD 'secret'")
	if diff := cmp.Diff([]string{"CREATE TABLE a (id int)", "ALTER ROLE web …"}, got); diff != "" {
		t.Error(diff)
	}
}
