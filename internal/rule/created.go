package rule

import "github.com/onward-sql/onward/internal/catalog"

// Tables are the changes by which the migration creates tables that stay: no
// partitions, which are what their parent is, and no temporary tables.
func (m *Migration) Tables() []Delta {
	var out []Delta
	for _, t := range m.Txs {
		for i := range t.Deltas {
			d := &t.Deltas[i]
			if d.Kind == catalog.RelationCreated && d.By != nil && d.After.Kind.IsTable() && d.After.Parent == 0 && d.After.Persistence != catalog.Temporary && !d.After.Inferred {
				out = append(out, *d)
			}
		}
	}
	return out
}

// Made is something that a migration created, for a rule that judges it as the
// release leaves it.
type Made struct {
	By *Stmt
	// Table is the table created or concerned; ID the constraint or index on
	// it, where it is about one.
	Table, ID catalog.OID
}
