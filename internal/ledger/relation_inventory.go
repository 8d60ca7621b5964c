package ledger

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	relation "github.com/onward-sql/onward/internal/inventory"
	"github.com/onward-sql/onward/internal/pgparse"
)

// inventoryConflict replaces an earlier record of a relation.
const inventoryConflict = " ON CONFLICT (plan, relation) DO UPDATE SET entries = excluded.entries, recorded = pg_catalog.clock_timestamp()"

// WriteInventory records the inventory of a relation that a plan replaces. It replaces an earlier record.
func WriteInventory(ctx context.Context, conn Conn, plan, name string, list relation.Inventory) error {
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "INSERT INTO onward_ledger.inventory (plan, relation, entries) VALUES ($1, $2, $3::jsonb)"+inventoryConflict,
		plan, name, string(text))
	return err
}

// WriteInventorySQL is [WriteInventory] as a statement, for a list that a query returns.
func WriteInventorySQL(plan, name, query string) string {
	return "INSERT INTO onward_ledger.inventory (plan, relation, entries) VALUES (" + pgparse.QuoteLiteral(plan) + ", " + pgparse.QuoteLiteral(name) +
		",\n(" + query + "))" + inventoryConflict
}

// DeleteInventory deletes the record of a relation.
func DeleteInventory(ctx context.Context, conn Conn, plan, name string) error {
	_, err := conn.Exec(ctx, "DELETE FROM onward_ledger.inventory WHERE plan = $1 AND relation = $2", plan, name)
	return err
}

// ReadInventory returns the recorded inventory of a relation; nil if there is none.
func ReadInventory(ctx context.Context, conn Conn, plan, name string) (list relation.Inventory, err error) {
	var text string
	err = conn.QueryRow(ctx, "SELECT entries::text FROM onward_ledger.inventory WHERE plan = $1 AND relation = $2", plan, name).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal([]byte(text), &list)
}
