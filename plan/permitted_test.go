package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// A statement of the release with more reach than a change of a schema becomes a step of class work, which apply may run. The proofs
// of the other tests fail if a recipe's statement is not one that its class allows. All steps of a plan are one group.
func TestReachIsWork(t *testing.T) {
	t.Parallel()
	for sql, alone := range map[string]bool{
		"CREATE FUNCTION f() RETURNS int LANGUAGE plpython3u AS 'return 1';": false,
		"COPY orders TO PROGRAM 'x';":                                        false,
		"ALTER SYSTEM SET work_mem = '1GB';":                                 true,
	} {
		p := makePlan(t, plan.Config{
			Sketch: true,
			Config: rehearse.Config{Config: audit.Config{Dir: repository(t, base, sql), Base: "main", Head: "feature", Settings: &config.Config{Postgres: []int{17}}}},
		})
		if len(p.Steps) != 1 || p.Steps[0].Class != onward.StepWork || (p.Steps[0].Transaction == onward.TransactionNone) != alone ||
			strings.Contains(strings.Join(p.Proof.Missing, "\n"), "onward apply refuses") {
			t.Errorf("%s: want one step of work; the steps are %+v, the proof misses %q", sql, p.Steps, p.Proof.Missing)
		}
		if len(p.Proof.Groups) != 1 || len(p.Proof.Groups[0].Steps) != 1 || p.Proof.Groups[0].Proven || len(p.Digest) != 64 {
			t.Errorf("%s: the groups are %+v, want one unproven group of one step; the digest is %q", sql, p.Proof.Groups, p.Digest)
		}
	}
}
