package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

func TestComposed(t *testing.T) {
	t.Parallel()
	proven(t, base+months, composed)
}

func TestFurther(t *testing.T) {
	t.Parallel()
	proven(t, base+months, further)
}

// proven proves each change, every third with traffic beside it; ONWARD_PLAN_ROUNDS all of them. The classic
// ones always have it.
//
// A change that cannot be planned needs no server, so it is tried in each run; the others take turns.
func proven(t *testing.T, base string, changes []change) {
	t.Helper()
	var planned, refused []change
	for _, c := range changes {
		if c.unproven == "" {
			planned = append(planned, c)
		} else {
			refused = append(refused, c)
		}
	}
	for i, c := range append(rotation.Pick(t, 6, planned), refused...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := planOf(t, base, &c, rounds() == 0 && i%3 > 0)
			sql, missing := told(p), strings.Join(p.Proof.Missing, "\n")
			if p.Proof.Proven != (c.unproven == "") || !strings.Contains(missing, c.unproven) {
				t.Fatalf("proven is %v; %q is wanted in what is missing:\n%s", p.Proof.Proven, c.unproven, sql)
			}
			for _, want := range c.steps {
				if !strings.Contains(sql, want) {
					t.Errorf("no step has %q:\n%s", want, sql)
				}
			}
		})
	}
}

// planOf is the plan of a change; what says why it cannot be planned needs no server.
func planOf(t *testing.T, base string, c *change, quiet bool) *onward.Plan {
	t.Helper()
	settings := &config.Config{Postgres: []int{c.major}}
	if c.unproven == "" {
		return planned(t, base, c.sql, c.major, settings, quiet)
	}
	return makePlan(t, plan.Config{Sketch: true, Config: rehearse.Config{Config: audit.Config{
		Dir: repository(t, base, c.sql), Base: "main", Head: "feature", Settings: settings,
	}}})
}
