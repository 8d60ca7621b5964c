package inventory

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
)

// Entry is one property or dependent of a relation, as the server's catalogs have it.
type Entry struct {
	// Kind is its kind in Postgres' words, and Name its name as SQL writes it: "index", "users_email_idx". Name is "" for a property of the
	// relation itself, such as its owner.
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
	// Columns are the columns of the relation that it is about; empty for the whole relation.
	Columns []string `json:"columns,omitempty"`
	// Definition is the server's own text, such as CREATE INDEX … of an index.
	Definition string `json:"definition"`
}

// FullName is the kind and the name, which identify an entry of a relation.
func (e *Entry) FullName() string {
	if e.Name == "" {
		return e.Kind
	}
	return e.Kind + " " + e.Name
}

// Inventory is the list of entries, sorted by kind and name.
type Inventory []Entry

// HasEntry reports whether an inventory has an entry with the same definition.
func (inv Inventory) HasEntry(e *Entry) bool {
	return slices.ContainsFunc(inv, func(o Entry) bool { return o.FullName() == e.FullName() && o.Definition == e.Definition })
}

// Settings are the settings that definitions depend on, for the rest of a transaction.
var Settings = "SET LOCAL search_path = pg_catalog, pg_temp; " + live.SetLocal(live.CommonReadSettings, live.ValueSettings)

// ReadInventory reads the inventory of a relation, which may be on a running server. The transaction must have the [Settings]. excludedOIDs
// are OIDs of children that it leaves out.
func ReadInventory(ctx context.Context, s live.SQLSession, major int, relation uint32, excludedOIDs ...uint32) (Inventory, error) {
	rows, err := s.Query(ctx, FormatQuery(major, formatOID(relation), "", excludedOIDs...)+" ORDER BY 1, 2, 4")
	if err != nil {
		return nil, fmt.Errorf("read the inventory: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	if err != nil {
		return nil, fmt.Errorf("read the inventory: %w", err)
	}
	return list, nil
}
