package plan_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// The unsafe branches of the examples are planned. The SQL of the deployed code and of the new
// code works at each step that it must survive. A plan that drops something too early is detected.
func TestExamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "../scripts/demo.sh", "--make", dir).CombinedOutput(); err != nil {
		t.Fatalf("demo.sh: %v\n%s", err, out)
	}
	for _, name := range rotation.Pick(t, 3, []string{"shop", "node-rooms", "django-shop"}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config.Default()
			if name == "django-shop" {
				python := pgservertest.VenvPath(t, "django-5.2-psycopg")
				settings.Migrations = []config.Migrations{{Framework: "django", Python: python}}
			}
			c := plan.Config{Config: rehearse.Config{
				Config: audit.Config{Dir: filepath.Join(dir, name), Base: "main", Head: "unsafe", Settings: settings},
				Majors: []int{17},
			}}
			p := makePlan(t, c)
			asked := func(c onward.PlanCheck) bool {
				return strings.Contains(c.Name, "code works") && strings.Contains(c.Detail, "quer")
			}
			if !p.Proof.Proven || !slices.ContainsFunc(p.Proof.Checks, asked) {
				t.Errorf("the plan is not proven, or no check asks the code's queries:\n%s", told(p))
			}
			c.Spoil(early)
			p = makePlan(t, c)
			if p.Proof.Proven || !slices.ContainsFunc(p.Proof.Checks, func(c onward.PlanCheck) bool { return !c.OK && strings.HasPrefix(c.Name, "the deployed code") }) {
				t.Errorf("contracts are run at once:\n%s", told(p))
			}
		})
	}
}

// early calls each step one that runs before the new code comes.
func early(p *onward.Plan) {
	for i := range p.Steps {
		p.Steps[i].Phase = onward.Expand
	}
}
