package progress

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// ChoosePlans returns the plan with the given ID, or all plans for "". list must not be empty.
func ChoosePlans(list []*ledger.Plan, id string) ([]*ledger.Plan, error) {
	switch i := slices.IndexFunc(list, func(p *ledger.Plan) bool { return p.ID == id }); {
	case i >= 0:
		return list[i : i+1], nil
	case id != "":
		return nil, run.NewInputError(fmt.Sprintf("no plan %s is under way on this database: onward status shows which there are", id))
	case len(list) == 0:
		return nil, run.NewInputError("no plan of this database is under way: onward status shows what there was")
	}
	return list, nil
}

// UnfinishedPlans returns the unfinished plans of a scope, oldest first.
func UnfinishedPlans(ctx context.Context, conn ledger.Conn, scope ledger.Scope) ([]*ledger.Plan, error) {
	list, err := scope.ReadPlans(ctx, conn)
	return slices.DeleteFunc(list, func(p *ledger.Plan) bool { return p.State == ledger.Done || p.State == ledger.Abandoned }), err
}

// RequireReached refuses a plan that has unfinished steps before a phase.
func RequireReached(p *ledger.Plan, steps map[string]*ledger.Step, phase onward.PlanPhase) error {
	for i := range p.Plan.Steps {
		s := &p.Plan.Steps[i]
		if recorded := steps[s.ID]; isLater(phase, s.Phase) && (recorded == nil || recorded.State != ledger.Done) {
			return &run.RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("plan %s is not so far: this step of its %s is not done. onward apply --plan goes on with it", p.ID, s.Phase),
			}
		}
	}
	return nil
}

// WithLedger opens a session and calls look if the database has a ledger.
func WithLedger(ctx context.Context, db string, look func(conn *pgx.Conn) error) (there bool, err error) {
	conn, err := live.Connect(ctx, db, "onward status", nil)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // nothing is lost with it
	err = live.AsOwn(ctx, conn, func() error {
		if _, err := session.PrimaryVersion(ctx, conn); err != nil {
			return err
		}
		if there, err = ledger.HasLedger(ctx, conn); err != nil || !there {
			return err
		}
		return look(conn)
	})
	return there && err == nil, err
}
