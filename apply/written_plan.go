package apply

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// A plan is run in one of two ways. Either onward apply --plan runs its steps, and records the migrations that they replace in
// the table of the migration tool. Or onward plan --write writes the steps as migrations, and the tool runs these. In that case
// the tool does not know steps that onward ran, and would run them again.

// refuseWritten refuses a plan that was not started here if its steps are also written as migrations.
func (t *Target) refuseWritten() error {
	files := t.c.writtenFiles
	if p := t.record.Plan; files == "" && p.Dir != "" {
		var list []string
		for i := range p.Steps {
			for _, f := range p.Steps[i].Files {
				list = append(list, f.Path)
			}
		}
		files = "in " + p.Dir
		if len(list) > 0 {
			files = prose.FirstNames(list, 3)
		}
	}
	if files == "" || t.record.AsWritten {
		return nil
	}
	return &RefusedError{Text: "the steps of this plan were written as migrations (" + files +
		"): their own tool runs them, and would run them again after onward. Nothing was changed. " +
		"Go on in one way: run these files with their tool, or with onward apply without --plan; or delete them and their plan in " + plan.Dir +
		", restore the migrations that they replace, and apply a plan of onward plan --format json"}
}

// findWritten names the migrations of the repository that were written from the plan; "" for none.
func (p *pendingRun) findWritten() string {
	if p.release == nil {
		return ""
	}
	for kept, paths := range plan.ListWritten(p.release.Root()) {
		if sharesMigration(kept, p.c.Plan) {
			return prose.FirstNames(paths, 3)
		}
	}
	return ""
}

// refuseRun refuses a pending migration that is a step of a plan which onward ran here. An older onward ran plans that were also
// written as migrations.
func (p *pendingRun) refuseRun(ctx context.Context, list []*audit.Planned, started *ledger.Plan) error {
	if started.Plan.Dir == "" || started.State == ledger.Abandoned {
		return nil
	}
	steps, err := ledger.ReadSteps(ctx, p.conn, started.ID)
	if err != nil {
		return err
	}
	for i := range started.Plan.Steps {
		s := &started.Plan.Steps[i]
		done := steps[s.ID]
		if done == nil || done.State != ledger.Done {
			continue
		}
		for _, m := range list {
			if slices.ContainsFunc(s.Files, func(f onward.PlanFile) bool { return f.Path == m.Path || path.Dir(f.Path) == m.Path }) {
				return &RefusedError{
					Step: m.ID,
					Text: fmt.Sprintf("it is step %s of plan %s, which onward apply --plan ran on this database, and %s does not have it. "+
						"Tell its tool that it is applied, then run this again", s.ID, started.ID, p.table),
				}
			}
		}
	}
	return nil
}
