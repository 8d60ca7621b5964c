package relation

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
)

// swap is a transaction in which a table loses its name to a new one.
type swap struct {
	by                *rule.Stmt
	old, now          *catalog.Relation
	dropped, followed bool
}

func gatherSwaps(p *rule.Pass, m *rule.Migration) {
	for _, s := range m.Statements {
		keepFillings(p, s)
	}
	for _, t := range m.Txs {
		for i := range t.Deltas {
			if d := &t.Deltas[i]; p.IsDeployed(d) {
				keepSwap(p, t, d.By, d.Delta)
			}
		}
		for _, s := range t.Statements {
			for i := range s.Deltas {
				// A table that the transaction itself was the first to name.
				if d := &s.Deltas[i]; d.Before != nil && d.Before.Inferred && t.Before.Relation(d.OID) == nil {
					keepSwap(p, t, s, d)
				}
			}
		}
	}
}

func keepSwap(p *rule.Pass, t *rule.Tx, stmt *rule.Stmt, d *catalog.Delta) {
	if d.Kind != catalog.RelationDropped && d.Kind != catalog.RelationRenamed || !d.Before.Kind.IsTable() || d.Before.Parent != 0 || p.IsSmall(d.Before.Name) ||
		t.RolledBack {
		return
	}
	now := t.After.Lookup(d.Before.Name.Schema, d.Before.Name.Name)
	if now == nil || !now.Kind.IsTable() || !p.IsNew(now.OID) || now.Inferred || d.Kind == catalog.RelationDropped && isCreatedUnderName(t, now) {
		return
	}
	p.KeepValue(swap{by: stmt, old: d.Before, now: now, dropped: d.Kind == catalog.RelationDropped, followed: hasRowTrigger(stmt.Before.Relation(d.Before.OID))})
}

// isCreatedUnderName reports whether the new table has had its name from the start, by a CREATE
// TABLE after a DROP. table-drop-first reports that.
func isCreatedUnderName(t *rule.Tx, now *catalog.Relation) bool {
	for _, s := range t.Statements {
		if r := s.After.Relation(now.OID); r != nil && s.Before.Relation(now.OID) == nil {
			return r.Name == now.Name
		}
	}
	return false
}
