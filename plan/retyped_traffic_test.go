package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// The traffic of a proof keeps its prepared statements, and a step that changes a type makes the server refuse those
// that return the column. The step says so, and the proof accepts it, with the steps of other chains too. A refusal
// that no step names fails it.
func TestRefusedPreparedStatements(t *testing.T) {
	t.Parallel()
	const retype = "ALTER TABLE wide ALTER COLUMN a TYPE text;"
	for name, c := range map[string]struct {
		release string
		change  func(*onward.Plan)
		proven  bool
	}{
		"alone":             {retype, func(*onward.Plan) {}, true},
		"with other chains": {retype + " CREATE INDEX ON customers (note); ALTER TABLE keyless ADD COLUMN more text;", waitAfterSteps, true},
		"no step says so":   {retype, func(p *onward.Plan) { p.Steps[0].CachedPlans = nil }, false},
		"only of other table": {retype, func(p *onward.Plan) {
			p.Steps[0].CachedPlans.Columns = []string{"wider.a", "a.wide.a"}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
				config := plan.Config{Config: rehearse.Config{
					Config: audit.Config{Dir: repository(t, base, c.release), Base: "main", Head: "feature"}, Majors: []int{major},
				}}
				config.Spoil(c.change)
				p := makePlan(t, config)
				refused := slices.ContainsFunc(p.Proof.Checks, func(c onward.PlanCheck) bool {
					return !c.OK && strings.HasPrefix(c.Name, "under traffic") && strings.Contains(c.Detail, "cached plan must not change result type")
				})
				if p.Proof.Proven != c.proven || refused == c.proven {
					t.Errorf("Postgres %d: the plan is proven: %t, want %t; refused: %t\n%s", major, p.Proof.Proven, c.proven, refused, told(p))
				}
			}
		})
	}
}

// waitAfterSteps gives the traffic time to send each query after each step.
func waitAfterSteps(p *onward.Plan) {
	for i := range p.Steps {
		if p.Steps[i].Class != onward.StepConcurrent {
			p.Steps[i].SQL += " SELECT pg_sleep(0.5);"
		}
	}
}
