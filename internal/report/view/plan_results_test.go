package view_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// The verdict of a plan claims no more than what was compared.
func TestPlanVerdict(t *testing.T) {
	t.Parallel()
	steps := []onward.PlanStep{{ID: "01-expand"}}
	groups := []onward.PlanGroup{{Changes: 3, Steps: []string{"01-expand"}, Proven: true}}
	left := []onward.PlanLeft{{}}
	const why = "the unchanged migrations fail on made-up rows: column \"a\x1b\" contains null values (SQLSTATE 23502)"
	for _, c := range []struct {
		plan onward.Plan
		want string
	}{
		{onward.Plan{}, "There is nothing to plan."},
		{onward.Plan{Left: left}, "Nothing is planned: 1 change left."},
		{onward.Plan{Steps: steps}, "A sketch: no proof was made."},
		{onward.Plan{Steps: steps, Proof: onward.PlanProof{Proven: true, Groups: groups}}, "Proven: the steps produce the schema and the rows of the migrations."},
		{
			onward.Plan{Steps: steps, Proof: onward.PlanProof{Proven: true, Groups: groups, Rows: why}},
			`Proven: the schema. Rows were not compared, because the unchanged migrations fail on made-up rows: column "a\x1b" contains null values (SQLSTATE 23502).`,
		},
		{
			onward.Plan{Steps: steps, Left: left, Proof: onward.PlanProof{Groups: groups}},
			"3 of 4 changes are proven: the steps produce their schema and rows. 1 left.",
		},
		{
			onward.Plan{Steps: steps, Left: left, Proof: onward.PlanProof{Groups: groups, Rows: "x"}},
			"3 of 4 changes are proven: the steps produce their schema. 1 left. Rows were not compared, because x.",
		},
	} {
		if got := view.SummarizePlan(&c.plan).Verdict; got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
