package apply

import (
	"context"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// isEmptyPlan reports whether a plan is of a release without migrations, whose pipeline runs the same commands as for any other release.
func isEmptyPlan(p *onward.Plan) bool {
	return p != nil && p.Schema == onward.PlanSchema && len(p.Steps)+len(p.Migrations) == 0
}

// runEmptyPlan carries nothing out. It refuses if another plan is under way on the database whose new code must wait: the code of this release
// has that plan's changes, too.
func runEmptyPlan(ctx context.Context, c *Config) (*onward.Applied, error) {
	digest, err := ledger.PlanDigest(c.Plan)
	if err != nil {
		return nil, err
	}
	if c.Plan.Digest != digest && c.Unproven == "" {
		return nil, &RefusedError{Text: "the plan has no steps, and was changed after it was made, as its digest shows"}
	}
	list, err := ReadSchemaPlans(ctx, c.DB, c.Schema)
	if err != nil {
		return nil, address.RedactError(err, c.DB)
	}
	for i := range list {
		if state := list[i].Applied.State; state == onward.ApplyDone || state == onward.ApplyAbandoned {
			continue
		}
		for _, r := range list[i].Applied.Readiness {
			if !r.NewCode {
				return nil, &RefusedError{Text: "the release has no migrations, but plan " + r.Plan + " is under way: " + r.Text, Next: list[i].Applied.Next}
			}
		}
	}
	return &onward.Applied{
		Schema: onward.AppliedSchema, Name: c.Name, Base: c.Plan.Base, Head: c.Plan.Head, State: onward.ApplyDone, Steps: []onward.AppliedStep{},
	}, nil
}

// errNoSteps refuses a plan that replaces migrations and does nothing.
var errNoSteps = run.NewInputError("the plan has no steps: there is nothing to carry out")
