package progress

import (
	"context"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/underway"
)

// ReadDamage finds the tables and columns that the contract of a started plan would drop and that are gone already, and whether the plan's triggers
// fail because of that.
func ReadDamage(ctx context.Context, conn ledger.Conn, p *ledger.Plan, steps map[string]*ledger.Step) (out readiness.Damage, err error) {
	if len(steps) == 0 {
		return out, nil
	}
	return underway.ReadDamage(ctx, conn, p, newDoneLookup(steps))
}
