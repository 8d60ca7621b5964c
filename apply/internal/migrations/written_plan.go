package migrations

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// SharesMigration reports whether two plans replace the same migration.
func SharesMigration(a, b *onward.Plan) bool {
	return slices.ContainsFunc(a.Migrations, func(m onward.PlannedMigration) bool {
		return slices.ContainsFunc(b.Migrations, func(planned onward.PlannedMigration) bool { return planned.ID == m.ID && planned.Path == m.Path })
	})
}

// FindWritten names the migrations of the repository that were written from the plan; "" for none.
func (p *Pending) FindWritten() string {
	if p.release == nil {
		return ""
	}
	for writtenPlan, paths := range plan.ListWritten(p.release.Root()) {
		if SharesMigration(writtenPlan, p.Plan) {
			return prose.FirstNames(paths, 3)
		}
	}
	return ""
}

// refuseWrittenSteps refuses a pending migration that is a step of a plan which onward ran here. An older onward ran plans that were also
// written as migrations.
func (p *Pending) refuseWrittenSteps(ctx context.Context, list []*audit.Planned, started *ledger.Plan) error {
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
				return &run.RefusedError{
					Step: m.ID,
					Text: fmt.Sprintf("it is step %s of plan %s, which onward apply --plan ran on this database, and %s does not have it. "+
						"Tell its tool that it is applied, then run this again", s.ID, started.ID, p.table),
				}
			}
		}
	}
	return nil
}
