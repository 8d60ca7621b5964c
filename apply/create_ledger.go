package apply

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/onward"
)

// createLedger creates or upgrades the ledger, which is the schema onward_ledger. It also checks the schema onward, which holds the cursors of
// backfills, before anything uses one.
func (t *Target) createLedger(ctx context.Context, conn *pgx.Conn) error {
	if err := ledger.CreateLedger(ctx, conn, t.c.Role); err != nil {
		return err
	}
	return (&ownschema.Schema{Name: onward.PlanRoom}).Check(ctx, conn, t.c.Role)
}
