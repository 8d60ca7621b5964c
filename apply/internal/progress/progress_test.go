package progress

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/onward"
)

// threePhases is a plan with a step of each phase.
func threePhases() *onward.Plan {
	return &onward.Plan{Base: "v1", Steps: []onward.PlanStep{
		{ID: "expand", Phase: onward.Expand},
		{ID: "fill", Phase: onward.Backfill, Repeat: true, Undo: "undo of fill"},
		{ID: "drop", Phase: onward.Contract, Undo: "undo of drop"},
	}}
}

// The next step is the first that is not done, within the requested phases and steps.
func TestNextStep(t *testing.T) {
	t.Parallel()
	done := &ledger.Step{State: ledger.Done}
	for _, c := range []struct {
		through onward.PlanPhase
		to      string
		steps   map[string]*ledger.Step
		want    string
		left    int
	}{
		{onward.Backfill, "", nil, "expand", 3},
		{onward.Backfill, "", map[string]*ledger.Step{"expand": {State: ledger.Failed}}, "expand", 3},
		{onward.Backfill, "", map[string]*ledger.Step{"expand": done}, "fill", 2},
		{onward.Expand, "", map[string]*ledger.Step{"expand": done}, "", 2},
		{onward.Contract, "fill", map[string]*ledger.Step{"expand": done, "fill": done}, "", 1},
		{onward.Contract, "", map[string]*ledger.Step{"expand": done, "fill": done}, "drop", 1},
	} {
		r := &Record{Request: Request{Plan: threePhases(), Through: c.through, To: c.to}, Steps: c.steps}
		got := ""
		if s, number := r.NextStep(); s != nil {
			got = s.ID
			if &r.Plan.Steps[number] != s {
				t.Errorf("%+v: step %s is not number %d", c, s.ID, number)
			}
		}
		if got != c.want || r.CountUnfinished() != c.left || (c.want != "") != (got != "" && r.RunsStep(got)) {
			t.Errorf("%+v: %q, %d left", c, got, r.CountUnfinished())
		}
	}
}

func TestRequestedSteps(t *testing.T) {
	t.Parallel()
	r := &Record{Request: Request{Plan: threePhases(), To: "fill"}, Steps: map[string]*ledger.Step{"expand": {}}}
	var got []string
	for _, s := range r.RequestedSteps(&r.Plan.Steps[0]) {
		got = append(got, s.ID)
	}
	if diff := cmp.Diff([]string{"expand", "fill"}, got); diff != "" {
		t.Error(diff)
	}
	if r.IsFirstOfPhase(&r.Plan.Steps[1]) || !r.IsFirstOfPhase(&r.Plan.Steps[2]) {
		t.Error("the expand phase was begun, and the contract was not")
	}
}

// A step that was begun in a transaction and is not done has left nothing to undo, but batches of a backfill stay.
func TestUndoSQL(t *testing.T) {
	t.Parallel()
	r := &Record{Request: Request{Plan: threePhases()}, Steps: map[string]*ledger.Step{"fill": {State: ledger.Running}, "drop": {State: ledger.Running}}}
	for i, want := range []string{"", "undo of fill", ""} {
		if got := r.UndoSQL(&r.Plan.Steps[i]); got != want {
			t.Errorf("UndoSQL(%s) = %q, want %q", r.Plan.Steps[i].ID, got, want)
		}
	}
}

func TestChoosePlans(t *testing.T) {
	t.Parallel()
	list := []*ledger.Plan{{ID: "a"}, {ID: "b"}}
	for id, want := range map[string]int{"": 2, "b": 1, "c": 0} {
		if got, err := ChoosePlans(list, id); len(got) != want || (err == nil) != (want > 0) {
			t.Errorf("ChoosePlans(%q) = %v, %v, want %d plans", id, got, err, want)
		}
	}
	if _, err := ChoosePlans(nil, ""); err == nil {
		t.Error("no plan is under way")
	}
}

// The progress says what comes next: the contract when the old code is gone, or the end of an abort.
func TestDescribePlan(t *testing.T) {
	t.Parallel()
	done := map[string]*ledger.Step{"expand": {State: ledger.Done}, "fill": {State: ledger.Done}}
	for state, want := range map[string]string{
		ledger.Running:  "onward contract --db ADDRESS --plan p --release v1",
		ledger.Aborting: "onward abort --db ADDRESS --plan p", ledger.Abandoned: "",
	} {
		got := DescribePlan(&ledger.Plan{ID: "p", State: state, Plan: *threePhases()}, done, ledger.Scope{}, readiness.Damage{})
		if got.Next != want || got.Steps[2].State != onward.ApplyPending {
			t.Errorf("DescribePlan of state %s = %+v, want %q next and the last step pending", state, got, want)
		}
	}
}
