package properties

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// oldNameInventoryName is the name in the ledger of the inventory of a view right after it was made under a renamed table's old name.
func oldNameInventoryName(view string) string { return "old name " + view }

// findOldNameLosses says what somebody has changed on a view under a table's old name, which SQL drops, unless the table has it, too. Privileges,
// comments and defaults that an administrator gives to the old name are meant for the table.
func (props *Properties) findOldNameLosses(ctx context.Context, conn *pgx.Conn, sql string) (sentences []string, err error) {
	if !strings.Contains(sql, "DROP VIEW ") {
		return nil, nil
	}
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return nil, nil //nolint:nilerr // it is no plan's step
	}
	var dropped []string
	for _, stmt := range f.Stmts {
		dropped = append(dropped, listDroppedViews(stmt.Node)...)
	}
	for i := range props.record.Plan.Steps {
		for _, r := range stepReplacements(&props.record.Plan.Steps[i]) {
			if r.Kind != onward.ReplacementView || !slices.Contains(dropped, r.New) {
				continue
			}
			before, err := ledger.ReadInventory(ctx, conn, props.record.Row.ID, oldNameInventoryName(r.New))
			if err != nil {
				return nil, err
			}
			view, err := props.readRelationInventory(ctx, conn, r.New)
			if err != nil {
				return nil, err
			}
			if before == nil || view == nil {
				continue
			}
			table, err := props.readRelationInventory(ctx, conn, r.Old)
			if err != nil {
				return nil, err
			}
			for _, e := range view {
				if !e.IsMadeWithView() && !before.HasEntry(&e) && !table.HasEntry(&e) {
					sentences = append(sentences, e.FullName()+" of the view "+r.New+" would go with it: give "+r.Old+" the same if it needs it, or drop it")
				}
			}
			for _, e := range before {
				missing := !slices.ContainsFunc(view, func(o inventory.Entry) bool { return o.FullName() == e.FullName() })
				if missing && !e.IsMadeWithView() && table.HasEntry(&e) {
					sentences = append(sentences, e.FullName()+" is missing on the view "+r.New+" only, and "+r.Old+" still has it: both must agree")
				}
			}
		}
	}
	return sentences, nil
}
