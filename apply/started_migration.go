package apply

import (
	"context"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// readPastPlans reads the ledger's plans. last holds the newest plan of each unchanged migration, by its file; instead holds the plans that
// replace migrations.
func (p *pendingRun) readPastPlans(ctx context.Context) (last map[string]*ledger.Plan, instead []*ledger.Plan, err error) {
	there, err := ledger.HasLedger(ctx, p.conn)
	if err != nil || !there {
		return nil, nil, err
	}
	plans, err := ledger.ReadPlans(ctx, p.conn)
	if err != nil {
		return nil, nil, err
	}
	last = map[string]*ledger.Plan{}
	for _, is := range plans {
		if isUnchangedMigration(is) {
			last[is.Plan.Migrations[0].Path] = is
		} else {
			instead = append(instead, is)
		}
	}
	return last, instead, nil
}

// findStarted finds an unfinished migration that was started here. It refuses a migration that was applied and has changed since, if the
// migration tool itself would not notice.
func (p *pendingRun) findStarted(ctx context.Context, list []*audit.Planned) (*onward.Plan, error) {
	last, instead, err := p.readPastPlans(ctx)
	if err != nil {
		return nil, err
	}
	for _, is := range instead {
		if err := p.refuseReplaced(list, is); err != nil {
			return nil, err
		}
		if err := p.refuseRun(ctx, list, is); err != nil {
			return nil, err
		}
	}
	for _, m := range p.set.Migrations {
		is := last[m.Path]
		if is == nil {
			continue
		}
		same := m.Hash == is.Plan.Migrations[0].Hash
		switch open := slices.Contains(list, m); {
		case is.State == ledger.Done && !open && !same:
			return nil, changedError(m)
		case is.State == ledger.Done && open && same:
			err = p.reopenMigration(ctx, m, is)
		case is.State != ledger.Done && is.State != ledger.Abandoned && open:
			done, failed := p.countDone(ctx, is)
			if done > 0 && !same {
				return nil, &RefusedError{
					Step: m.ID,
					Text: fmt.Sprintf("%s was changed although %d of its %d steps are applied: put back what it was, and run this again", m.Path, done, len(is.Plan.Steps)),
				}
			}
			if done > 0 {
				return &is.Plan, failed
			}
			err = failed
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// countDone counts the finished steps of a plan.
func (p *pendingRun) countDone(ctx context.Context, is *ledger.Plan) (int, error) {
	steps, err := ledger.ReadSteps(ctx, p.conn, is.ID)
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
func (p *pendingRun) reopenMigration(ctx context.Context, m *audit.Planned, is *ledger.Plan) error {
	list, err := p.listUnapplied(ctx)
	if err != nil || !slices.Contains(list, m) {
		return err
	}
	return ledger.ReopenPlan(ctx, p.conn, is)
}

// isUnchangedMigration reports whether a plan is an unchanged migration that was not made for a particular schema.
func isUnchangedMigration(is *ledger.Plan) bool {
	return is.Plan.Catalog == "" && len(is.Plan.Migrations) == 1
}

// refuseReplaced refuses a migration if a plan that onward started here makes the same change.
func (p *pendingRun) refuseReplaced(list []*audit.Planned, is *ledger.Plan) error {
	if is.State == ledger.Abandoned || is.Plan.Dir != "" || len(is.Plan.Steps) == 0 {
		return nil
	}
	for _, m := range list {
		i := slices.IndexFunc(is.Plan.Migrations, func(of onward.PlannedMigration) bool { return of.Path == m.Path })
		switch {
		case i < 0:
		case is.State != ledger.Done:
			return &RefusedError{
				Step: m.ID,
				Text: fmt.Sprintf("plan %s replaces it and is not finished: onward apply --plan continues the plan, onward abort undoes it", is.ID),
			}
		case is.Plan.Migrations[i].Hash == m.Hash && is.Plan.Steps[len(is.Plan.Steps)-1].Record == "":
			return &RefusedError{
				Step: m.ID,
				Text: fmt.Sprintf("plan %s has made the same change, but %s does not list it: mark it as applied with its tool", is.ID, p.table),
			}
		}
	}
	return nil
}

// isStartedHere reports whether a migration that is started according to its tool's table was started by onward and is not finished.
func (p *pendingRun) isStartedHere(ctx context.Context, key string) (bool, error) {
	i := slices.IndexFunc(p.set.Migrations, func(m *audit.Planned) bool { return p.set.Count.Key(m) == key })
	if i < 0 {
		return false, nil
	}
	last, _, err := p.readPastPlans(ctx)
	is := last[p.set.Migrations[i].Path]
	if err != nil || is == nil || is.State == ledger.Done || is.State == ledger.Abandoned {
		return false, err
	}
	steps, err := ledger.ReadSteps(ctx, p.conn, is.ID)
	if err != nil {
		return false, err
	}
	first := &is.Plan.Steps[0]
	// An unfinished step that runs in a transaction has written nothing to the tool's table.
	s := steps[first.ID]
	return s != nil && first.Begin != "" && (s.State == ledger.Done || first.Transaction == onward.TransactionNone), nil
}
