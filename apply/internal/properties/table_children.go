package properties

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// TableChildren are the partitions and children of a table that gets the name of another one in a step. What they have does not change with the table's
// name, and reading it takes long if there are many. So it is recorded before the step's transaction, and the transaction reads the rest.
type TableChildren struct {
	table     string // the name after the step
	relations []uint32
	entries   inventory.Inventory
}

// childrenInventoryName is the name in the ledger of the inventory of a table's children before its exchange.
func childrenInventoryName(table string) string { return "children of " + table }

// readChildren reads the children of the table that replaces another one. whole is the inventory of that table.
func (props *Properties) readChildren(ctx context.Context, conn *pgx.Conn, r *onward.PlanReplacement, whole inventory.Inventory) (
	list TableChildren, err error,
) {
	list.table = r.Old
	ids, err := live.FindRelations(ctx, conn, r.New)
	if err != nil || ids[0] == 0 {
		return list, err
	}
	rows, err := conn.Query(ctx, "SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhparent = $1", ids[0])
	if err != nil {
		return list, err
	}
	if list.relations, err = pgx.CollectRows(rows, pgx.RowTo[uint32]); err != nil {
		return list, fmt.Errorf("read the children of %s: %w", r.New, err)
	}
	if len(list.relations) == 0 {
		return list, nil
	}
	rest, err := inventory.ReadInventory(ctx, conn, props.session.Major, ids[0], list.relations...)
	if err != nil {
		return list, err
	}
	for i := range whole {
		if !rest.HasEntry(&whole[i]) {
			list.entries = append(list.entries, whole[i])
		}
	}
	return list, nil
}

// RecordChildren records the children of tables before the transaction of the step that gives the tables other names.
func (props *Properties) RecordChildren(ctx context.Context, children []TableChildren) error {
	if len(children) == 0 {
		return nil
	}
	return props.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for i := range children {
			if err := ledger.WriteInventory(ctx, conn, props.record.Row.ID, childrenInventoryName(children[i].table), children[i].entries); err != nil {
				return err
			}
		}
		return nil
	})
}
