package apply

import (
	"context"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// begun finds a migration that was begun here and is not at its end. One that is applied and was
// changed since is refused, where the tool itself would not notice.
func (p *pending) begun(ctx context.Context, list []*audit.Planned) (*onward.Plan, error) {
	there, err := ledger.Exists(ctx, p.conn)
	if err != nil || !there {
		return nil, err
	}
	plans, err := ledger.Plans(ctx, p.conn)
	if err != nil {
		return nil, err
	}
	last := map[string]*ledger.Plan{}
	for _, is := range plans {
		if len(is.Plan.Migrations) == 1 && is.Plan.Migrations[0].Hash != "" {
			last[is.Plan.Migrations[0].Path] = is
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
