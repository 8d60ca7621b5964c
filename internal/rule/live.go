package rule

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/script"
)

// live is a table of the release that the deployed code works on, since a commit.
type live struct {
	since int // Tx.Index
	// full says that it has the rows of a deployed one, or that it was written to when
	// the migration ended; else it has what the release put into it.
	full bool
}

// goesLive notes what the deployed code works on from a commit on, though the release
// made it: a table that has the name of a deployed one, a partition of one, what its
// triggers write to, what its views read.
func (p *Pass) goesLive(t *Tx) {
	if t.RolledBack || t.Migration.Together != 0 && t.Origin == script.Runner {
		return // or not yet committed
	}
	p.current, p.at = t.After, t.Index
	for _, s := range t.Statements {
		for i := range s.Deltas {
			p.follow(t, &s.Deltas[i])
		}
	}
	p.at = 0
}

func (p *Pass) follow(t *Tx, d *catalog.Delta) {
	switch d.Kind {
	case catalog.RelationRenamed:
		if now := t.After.Relation(d.OID); now != nil && p.New(d.OID) && p.deployedAs(now.Name) != nil {
			p.goes(t, now, true)
		}
	case catalog.PartitionAttached:
		if d.Other != nil && !p.New(d.OID) {
			p.goes(t, t.After.Relation(d.Other.OID), true)
		}
	case catalog.InheritanceChanged:
		if now := t.After.Relation(d.OID); now != nil && d.Other != nil && !p.New(d.Other.OID) && slices.Contains(now.Inherits, d.Other.OID) {
			p.goes(t, now, true)
		}
	case catalog.ViewReplaced:
		if now := t.After.Relation(d.OID); now != nil && now.View != nil && !p.New(d.OID) {
			for _, oid := range now.View.Reads {
				p.goes(t, t.After.Relation(oid), true)
			}
		}
	case catalog.TriggerCreated, catalog.TriggerChanged:
		if !p.New(d.OID) && d.NewTrigger.Enabled {
			p.written(t, t.After.Functions(d.NewTrigger.Function.Schema, d.NewTrigger.Function.Name))
		}
	case catalog.FunctionReplaced:
		for _, r := range t.After.CalledBy(d.NewFunction.Name.Name) {
			for _, trigger := range r.Triggers {
				if trigger.Enabled && trigger.Function == d.NewFunction.Name && !p.New(r.OID) {
					p.written(t, []*catalog.Function{d.NewFunction})
				}
			}
		}
	}
}

// settle notes that a migration ended: nobody knows how long the next one is off.
func (p *Pass) settle() {
	for oid, x := range p.used {
		x.full = true
		p.used[oid] = x
	}
}

// written notes the tables that the functions of a trigger write to.
func (p *Pass) written(t *Tx, functions []*catalog.Function) {
	for _, fn := range functions {
		body, ok := p.read[fn]
		if !ok {
			if p.read == nil {
				p.read = map[*catalog.Function]*catalog.Body{}
			}
			body = catalog.ReadBody(fn)
			p.read[fn] = body
		}
		for _, r := range body.Written(t.After) {
			p.goes(t, r, false)
		}
	}
}

// goes notes a table that the release made, with all below it.
func (p *Pass) goes(t *Tx, r *catalog.Relation, full bool) {
	if r == nil || r.Inferred || !t.After.CreatedSince(p.Release.Deployed, r.OID) {
		return
	}
	if p.used == nil {
		p.used = map[catalog.OID]live{}
	}
	for _, r := range t.After.Tree(r, true) {
		if was, ok := p.used[r.OID]; !ok || full && !was.full {
			p.used[r.OID] = live{t.Index, full}
		}
	}
}

// inUse reports whether a table of the release went live in a transaction before
// one. filled asks for its rows, too: without any, no work on it takes time.
func (p *Pass) inUse(oid catalog.OID, at int, filled bool) bool {
	x, ok := p.used[oid]
	return ok && x.since < at && (x.full || !filled || p.Rows.Filled(oid))
}

// deployedAs is the relation that the deployed code knows by a name; nil for none.
func (p *Pass) deployedAs(name catalog.Name) *catalog.Relation {
	if r := p.Release.Deployed.Lookup(name.Schema, name.Name); r != nil {
		return r
	}
	return p.current.Guessed(name)
}
