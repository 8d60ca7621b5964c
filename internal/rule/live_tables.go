package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/script"
)

// liveTable is a table of the release that the deployed code uses since a commit.
type liveTable struct {
	since int // Tx.Index
	// full: it has the rows of a deployed table, or it was in use when its migration
	// ended. Otherwise it has only the rows that the release inserted.
	full bool
}

// recordLiveTables records the tables of the release that the deployed code uses after a commit:
//   - a table with the name of a deployed one,
//   - a partition of a deployed table,
//   - a table to which the triggers of a deployed table write,
//   - a table that a deployed view reads.
func (p *Pass) recordLiveTables(t *Tx) {
	if t.RolledBack || t.Migration.Together != 0 && t.Origin == script.Runner {
		return // or not yet committed
	}
	p.current, p.at = t.After, t.Index
	for _, s := range t.Statements {
		for i := range s.Deltas {
			p.markUsedByChange(t, &s.Deltas[i])
		}
	}
	p.at = 0
}

func (p *Pass) markUsedByChange(t *Tx, d *catalog.Delta) {
	switch d.Kind {
	case catalog.RelationRenamed:
		if now := t.After.Relation(d.OID); now != nil && p.IsNew(d.OID) && p.findDeployedRelation(now.Name) != nil {
			p.markInUse(t, now, true)
		}
	case catalog.PartitionAttached:
		if d.Other != nil && !p.IsNew(d.OID) {
			p.markInUse(t, t.After.Relation(d.Other.OID), true)
		}
	case catalog.InheritanceChanged:
		if now := t.After.Relation(d.OID); now != nil && d.Other != nil && !p.IsNew(d.Other.OID) && slices.Contains(now.Inherits, d.Other.OID) {
			p.markInUse(t, now, true)
		}
	case catalog.ViewReplaced:
		if now := t.After.Relation(d.OID); now != nil && now.View != nil && !p.IsNew(d.OID) {
			for _, oid := range now.View.Reads {
				p.markInUse(t, t.After.Relation(oid), true)
			}
		}
	case catalog.TriggerCreated, catalog.TriggerChanged:
		if !p.IsNew(d.OID) && d.NewTrigger.Enabled {
			p.recordWrittenTables(t, t.After.Functions(d.NewTrigger.Function.Schema, d.NewTrigger.Function.Name))
		}
	case catalog.FunctionReplaced:
		for _, r := range t.After.CalledBy(d.NewFunction.Name.Name) {
			for _, trigger := range r.Triggers {
				if trigger.Enabled && trigger.Function == d.NewFunction.Name && !p.IsNew(r.OID) {
					p.recordWrittenTables(t, []*catalog.Function{d.NewFunction})
				}
			}
		}
	}
}

// markTablesFull records that a migration ended. The time until the next one is unknown, so
// tables in use count as full.
func (p *Pass) markTablesFull() {
	for oid, x := range p.used {
		x.full = true
		p.used[oid] = x
	}
}

// recordWrittenTables records the tables that the functions of a trigger write to.
func (p *Pass) recordWrittenTables(t *Tx, functions []*catalog.Function) {
	for _, fn := range functions {
		body, ok := p.read[fn]
		if !ok {
			if p.read == nil {
				p.read = map[*catalog.Function]*catalog.Body{}
			}
			body = catalog.ReadBody(fn)
			p.read[fn] = body
		}
		for _, r := range body.ListWrittenRelations(t.After) {
			p.markInUse(t, r, false)
		}
	}
}

// markInUse records that a table of the release is in use, with everything below it.
func (p *Pass) markInUse(t *Tx, r *catalog.Relation, full bool) {
	if r == nil || r.Inferred || !t.After.CreatedSince(p.Release.Deployed, r.OID) {
		return
	}
	if p.used == nil {
		p.used = map[catalog.OID]liveTable{}
	}
	for _, r := range t.After.ListTree(r, true) {
		if previous, ok := p.used[r.OID]; !ok || full && !previous.full {
			p.used[r.OID] = liveTable{t.Index, full}
		}
	}
}

// isInUse reports whether a table of the release went live in an earlier transaction.
// filled also requires rows: work on an empty table takes no time.
func (p *Pass) isInUse(oid catalog.OID, txIndex int, filled bool) bool {
	x, ok := p.used[oid]
	return ok && x.since < txIndex && (x.full || !filled || p.Rows.HasManyPutRows(oid))
}

// findDeployedRelation returns the relation that the deployed code knows by a name; nil for none.
func (p *Pass) findDeployedRelation(name catalog.Name) *catalog.Relation {
	if r := p.Release.Deployed.Lookup(name.Schema, name.Name); r != nil {
		return r
	}
	return p.current.FindGuess(name)
}
