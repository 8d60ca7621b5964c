package plan

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// checkInventory reports what the target database has, and the steps would lose, because the plan does not know it.
func (p *planner) checkInventory(ctx context.Context, conn *pgx.Conn) error {
	err := live.InOwnTransaction(ctx, conn, "", func() error {
		var version int
		if err := conn.QueryRow(ctx, "SELECT pg_catalog.current_setting('server_version_num')::int").Scan(&version); err != nil {
			return err
		}
		var reported []string
		for _, c := range p.listReplaced() {
			ids, err := live.FindRelations(ctx, conn, c.Replaced.Old)
			if err != nil {
				return err
			}
			if ids[0] == 0 {
				continue
			}
			if c.Old, err = inventory.ReadInventory(ctx, conn, version/10000, ids[0]); err != nil {
				return err
			}
			for _, sentence := range c.DescribeLosses() {
				if !slices.Contains(reported, sentence) {
					reported = append(reported, sentence)
					p.blockProof("this database has what the plan would lose: %s", sentence)
				}
			}
		}
		return nil
	})
	if err != nil {
		return &live.ServerError{What: "read what the database has", Err: err}
	}
	return nil
}

// listReplaced returns a comparison for each table and column that a step replaces.
func (p *planner) listReplaced() (list []*inventory.Comparison) {
	ownObjects := inventory.ListOwnObjects(p.plan)
	for i := range p.plan.Steps {
		for j := range p.plan.Steps[i].Replaces {
			if r := &p.plan.Steps[i].Replaces[j]; r.Kind != onward.ReplacementView {
				list = append(list, &inventory.Comparison{Replaced: r, Own: ownObjects})
			}
		}
	}
	return list
}
