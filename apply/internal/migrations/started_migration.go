package migrations

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// readPastPlans reads the ledger's plans. last holds the newest plan of each unchanged migration, by its file; instead holds the plans that
// replace migrations.
func (p *Pending) readPastPlans(ctx context.Context) (last map[string]*ledger.Plan, instead []*ledger.Plan, err error) {
	hasLedger, err := ledger.HasLedger(ctx, p.conn)
	if err != nil || !hasLedger {
		return nil, nil, err
	}
	plans, err := progress.PlansToRun(ctx, p.conn, p.Scope)
	if err != nil {
		return nil, nil, err
	}
	last = map[string]*ledger.Plan{}
	for _, started := range plans {
		if started.IsUnchangedMigration() {
			last[started.Plan.Migrations[0].Path] = started
		} else {
			instead = append(instead, started)
		}
	}
	return last, instead, nil
}

// findStartedMigration finds an unfinished migration that was started here. It refuses a migration that was applied and has changed since, if the
// migration tool itself would not notice.
func (p *Pending) findStartedMigration(ctx context.Context, list []*audit.Planned) (*onward.Plan, error) {
	last, instead, err := p.readPastPlans(ctx)
	if err != nil {
		return nil, err
	}
	for _, started := range instead {
		if err := p.refusePlannedMigrations(list, started); err != nil {
			return nil, err
		}
		if err := p.refuseWrittenSteps(ctx, list, started); err != nil {
			return nil, err
		}
	}
	for _, m := range p.set.Migrations {
		started := last[m.Path]
		if started == nil {
			continue
		}
		isUnchanged := m.Hash == started.Plan.Migrations[0].Hash
		switch open := slices.Contains(list, m); {
		case started.State == ledger.Done && !open && !isUnchanged:
			return nil, newChangedError(m)
		case started.State == ledger.Done && open && isUnchanged:
			err = p.reopenMigration(ctx, m, started)
		case started.State != ledger.Done && started.State != ledger.Abandoned && open:
			done, failed := p.countDoneSteps(ctx, started)
			if done > 0 && !isUnchanged {
				return nil, &run.RefusedError{
					Step: m.ID,
					Text: fmt.Sprintf("%s was changed although %d of its %d steps are applied: put back what it was, and run this again", m.Path,
						done, len(started.Plan.Steps)),
				}
			}
			if done > 0 {
				return &started.Plan, failed
			}
			err = failed
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// countDoneSteps counts the finished steps of a plan.
func (p *Pending) countDoneSteps(ctx context.Context, started *ledger.Plan) (int, error) {
	steps, err := ledger.ReadSteps(ctx, p.conn, started.ID)
	done := 0
	for _, s := range steps {
		if s.State == ledger.Done {
			done++
		}
	}
	return done, err
}

// reopenMigration restarts a migration that was applied here and then reverted by its tool. It reads the tool's table again, because the pending
// migrations were read before the ledger.
func (p *Pending) reopenMigration(ctx context.Context, m *audit.Planned, started *ledger.Plan) error {
	list, err := p.listUnapplied(ctx)
	if err != nil || !slices.Contains(list, m) {
		return err
	}
	return ledger.ReopenPlan(ctx, p.conn, started)
}

// refusePlannedMigrations refuses a migration if a plan that onward started here makes the same change.
func (p *Pending) refusePlannedMigrations(list []*audit.Planned, started *ledger.Plan) error {
	if started.State == ledger.Abandoned || started.Plan.Dir != "" || len(started.Plan.Steps) == 0 {
		return nil
	}
	for _, m := range list {
		i := slices.IndexFunc(started.Plan.Migrations, func(planned onward.PlannedMigration) bool { return planned.Path == m.Path })
		switch {
		case i < 0:
		case started.State != ledger.Done:
			return &run.RefusedError{
				Step: m.ID,
				Text: fmt.Sprintf("plan %s replaces it and is not finished: onward apply --plan continues the plan, onward abort undoes it", started.ID),
				Next: "onward status --db ADDRESS",
			}
		case started.Plan.Migrations[i].Hash == m.Hash && started.Plan.RecordingStep() == nil:
			return &run.RefusedError{
				Step: m.ID,
				Text: fmt.Sprintf("plan %s has made the same change, but %s does not list it: mark it as applied with its tool", started.ID, p.table),
			}
		}
	}
	return nil
}

// isStartedByOnward reports whether a migration that is started according to its tool's table was started by onward and is not finished.
func (p *Pending) isStartedByOnward(ctx context.Context, key string) (bool, error) {
	i := slices.IndexFunc(p.set.Migrations, func(m *audit.Planned) bool { return p.set.Count.Key(m) == key })
	if i < 0 {
		return false, nil
	}
	last, _, err := p.readPastPlans(ctx)
	started := last[p.set.Migrations[i].Path]
	if err != nil || started == nil || started.State == ledger.Done || started.State == ledger.Abandoned {
		return false, err
	}
	steps, err := ledger.ReadSteps(ctx, p.conn, started.ID)
	if err != nil {
		return false, err
	}
	first := &started.Plan.Steps[0]
	// An unfinished step that runs in a transaction has written nothing to the tool's table.
	s := steps[first.ID]
	return s != nil && first.Begin != "" && (s.State == ledger.Done || first.Transaction == onward.TransactionNone), nil
}

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
