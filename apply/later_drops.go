package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/underway"
)

// refuseLaterDrops refuses a plan with a statement that uses what the contract of another unfinished plan will drop. If that contract has
// ALTER TABLE orders DROP COLUMN note, it refuses UPDATE orders SET note = 'x'.
func (t *Target) refuseLaterDrops(ctx context.Context) error {
	if t.record.AsWritten {
		return nil // a finding
	}
	var names []string
	read := live.ReadSchema
	if !t.record.Scope.IsDatabase() {
		names = []string{t.record.Scope.Schema}
		read = func(ctx context.Context, url string) (*live.Schema, error) { return live.ReadSchemas(ctx, url, names) }
	}
	var plans []ledger.UnfinishedPlan
	if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		plans, err = underway.ReadPlans(ctx, conn, names)
		return err
	}); err != nil || len(plans) == 0 {
		return err
	}
	schema, err := read(ctx, t.session.URL)
	if err != nil {
		return err
	}
	drops, version := underway.ListLaterDrops(plans, schema.Catalog, ""), effect.NewVersion(schema.Major)
	c := schema.Catalog
	if names != nil {
		c = c.WithSearchPath(names)
	}
	for i := range t.record.Plan.Steps {
		s := &t.record.Plan.Steps[i]
		sql := s.SQL
		if s.Backfill != nil {
			sql = s.Backfill.Work
		}
		f, err := pgparse.SplitText(sql)
		if err != nil {
			return err
		}
		for j := range f.Stmts {
			stmt := &f.Stmts[j]
			if stmt.Node == nil {
				continue
			}
			text := sql[stmt.Start:stmt.End]
			for k := range drops {
				if d := &drops[k]; d.IsTouched(stmt.Node, text, c, version) {
					return &RefusedError{
						Step: s.ID,
						Text: fmt.Sprintf("the step uses %s, which plan %s will drop. That plan is under way: nothing was begun. To take it back: %s",
							d.Text, d.Plan, d.AbortCommand),
						Next: d.ContractCommand,
					}
				}
			}
			c, _ = c.Apply(stmt.Node, text)
		}
	}
	return nil
}
