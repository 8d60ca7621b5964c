package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/underway"
)

// refuseLaterDrops refuses a plan with a statement that uses what the contract of another plan will drop.
func (t *Target) refuseLaterDrops(ctx context.Context) error {
	if t.record.AsWritten {
		return nil // a finding
	}
	schema, err := live.ReadSchema(ctx, t.session.URL)
	if err != nil {
		return err
	}
	var drops []analysis.LaterDrop
	if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		drops, err = underway.ListLaterDrops(ctx, conn, schema.Catalog, "")
		return err
	}); err != nil || len(drops) == 0 {
		return err
	}
	c, version := schema.Catalog, effect.NewVersion(schema.Major)
	if !t.record.Scope.IsDatabase() {
		c = c.WithSearchPath([]string{t.record.Scope.Schema})
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
