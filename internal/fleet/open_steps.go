package fleet

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// ReadOpenSteps returns the current step of each target's plan, by the name of the target, as its ledger has it: its progress, and why it
// waits. Targets without such a step are missing. It changes nothing.
func ReadOpenSteps(ctx context.Context, list []*Target) map[string]*onward.AppliedStep {
	identifyMissing(ctx, list)
	byDatabase := map[*database][]*Target{}
	for _, t := range list {
		if t.problem == nil {
			byDatabase[t.database] = append(byDatabase[t.database], t)
		}
	}
	var mu sync.Mutex
	out := map[string]*onward.AppliedStep{}
	forEachKey(byDatabase, func(d *database) {
		steps := d.readOpenSteps(ctx, byDatabase[d])
		d.session.Close(ctx)
		mu.Lock()
		defer mu.Unlock()
		for _, t := range byDatabase[d] {
			if s := steps[t.schemaOID]; s != nil {
				out[t.Name] = s
			}
		}
	})
	return out
}

// readOpenSteps returns the open steps of some targets, by the OID of the schema. They are for observers only, so an error means none.
func (d *database) readOpenSteps(ctx context.Context, list []*Target) (out map[uint32]*onward.AppliedStep) {
	var schemas []uint32
	for _, t := range list {
		schemas = append(schemas, t.schemaOID)
	}
	_ = d.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		out, err = ledger.ReadOpenSteps(ctx, conn, schemas)
		return err
	})
	return out
}
