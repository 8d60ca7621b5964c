package apply

import (
	"context"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// past walks through the plans that the ledger of the database has: the last one of each migration as it stands, by its file, and those
// that take the place of migrations.
func (p *pending) past(ctx context.Context) (last map[string]*ledger.Plan, instead []*ledger.Plan, err error) {
	there, err := ledger.Exists(ctx, p.conn)
	if err != nil || !there {
		return nil, nil, err
	}
	plans, err := ledger.Plans(ctx, p.conn)
	if err != nil {
		return nil, nil, err
	}
	last = map[string]*ledger.Plan{}
	for _, is := range plans {
		if asItStands(is) {
			last[is.Plan.Migrations[0].Path] = is
		} else {
			instead = append(instead, is)
		}
	}
	return last, instead, nil
}

// begun finds a migration that was begun here and is not at its end. One that is applied and was
// changed since is refused, where the tool itself would not notice.
func (p *pending) begun(ctx context.Context, list []*audit.Planned) (*onward.Plan, error) {
	last, instead, err := p.past(ctx)
	if err != nil {
		return nil, err
	}
	for _, is := range instead {
		if err := p.supplanted(list, is); err != nil {
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
			return nil, changed(m)
		case is.State == ledger.Done && open && same:
			err = p.reopen(ctx, m, is)
		case is.State != ledger.Done && is.State != ledger.Abandoned && open:
			done, failed := p.done(ctx, is)
			if done > 0 && !same {
				return nil, &RefusedError{Step: m.ID, Text: fmt.Sprintf("%s was changed although %d of its %d steps are applied: put back what it was, and run this again", m.Path, done, len(is.Plan.Steps))}
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

// done is how many steps of a plan are.
func (p *pending) done(ctx context.Context, is *ledger.Plan) (int, error) {
	steps, err := ledger.Steps(ctx, p.conn, is.ID)
	done := 0
	for _, s := range steps {
		if s.State == ledger.Done {
			done++
		}
	}
	return done, err
}

// reopen has a migration begin anew that was applied here, and then taken back by its tool. The
// tool's table is read once more: what is pending was read before the ledger.
func (p *pending) reopen(ctx context.Context, m *audit.Planned, is *ledger.Plan) error {
	list, err := p.unapplied(ctx)
	if err != nil || !slices.Contains(list, m) {
		return err
	}
	return ledger.Reopen(ctx, p.conn, is)
}

// asItStands reports whether a plan is a migration as it stands, for no schema in particular.
func asItStands(is *ledger.Plan) bool { return is.Plan.Catalog == "" && len(is.Plan.Migrations) == 1 }

// supplanted refuses a migration whose place a plan takes that was begun here: what it does is there, or is on its way.
func (p *pending) supplanted(list []*audit.Planned, is *ledger.Plan) error {
	if is.State == ledger.Abandoned || is.Plan.Dir != "" || len(is.Plan.Steps) == 0 {
		return nil
	}
	for _, m := range list {
		i := slices.IndexFunc(is.Plan.Migrations, func(of onward.PlannedMigration) bool { return of.Path == m.Path })
		switch {
		case i < 0:
		case is.State != ledger.Done:
			return &RefusedError{Step: m.ID, Text: fmt.Sprintf("plan %s takes its place, and is not at its end: onward apply --plan goes on with it, onward abort takes it back", is.ID)}
		case is.Plan.Migrations[i].Hash == m.Hash && is.Plan.Steps[len(is.Plan.Steps)-1].Record == "":
			return &RefusedError{Step: m.ID, Text: fmt.Sprintf("plan %s did what it does, and %s does not have it: tell its tool that it is applied", is.ID, p.table)}
		}
	}
	return nil
}

// mine reports whether a migration that its tool's table says was begun was begun here, and is not at its end.
func (p *pending) mine(ctx context.Context, key string) (bool, error) {
	i := slices.IndexFunc(p.set.Migrations, func(m *audit.Planned) bool { return p.set.Count.Key(m) == key })
	if i < 0 {
		return false, nil
	}
	last, _, err := p.past(ctx)
	is := last[p.set.Migrations[i].Path]
	if err != nil || is == nil || is.State == ledger.Done || is.State == ledger.Abandoned {
		return false, err
	}
	steps, err := ledger.Steps(ctx, p.conn, is.ID)
	if err != nil {
		return false, err
	}
	first := &is.Plan.Steps[0]
	// What is in a transaction and is not done has told the tool nothing.
	s := steps[first.ID]
	return s != nil && first.Begin != "" && (s.State == ledger.Done || first.Transaction == onward.TransactionNone), nil
}
