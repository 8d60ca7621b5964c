package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/onward"
)

// run collects the effects of one statement.
type run struct {
	refusal.Checker
	in Inputs
	Result
	// altering is the ALTER TABLE whose commands are being followed; nil for none.
	altering *refusal.Alteration
	// index finds effects by name, if there are too many to search.
	index map[catalog.Name]int
	depth int
	// namedOnly: a query's relations are locked without the relations below them. The server does not
	// open those of a view before it runs a query, and a chain of views has many.
	namedOnly bool
	// prepares: rules and views are followed, as the server does before it plans a query. Only with namedOnly.
	prepares bool
	// bound has the relations that the names in a rule's action refer to; nil outside a rule.
	bound map[*pgparse.RangeVar]catalog.OID
	// firing are the rules and triggers being followed.
	firing []refusal.RuleEvent
	// droppedColumns are the columns whose drop was followed.
	droppedColumns map[columnKey]bool
	// taken are the names of the relations that the statement creates, among the first looked effects.
	taken  map[string]bool
	looked int
	// tried has, for a base name such as "t_a_seq", the number with which freeName begins its search.
	tried map[string]int
}

// maxDepth limits recursion through partitions, views and cascades: a folded catalog may
// be deeper than any server's.
const maxDepth = 64

// effectOn returns the effect on a relation, new or existing. The pointer is valid until the
// next call.
func (r *run) effectOn(rel *catalog.Relation) *Effect {
	oid := rel.OID
	if r.altering != nil && r.altering.IsNew(oid) {
		oid = 0 // the schema before the statement does not have it
	}
	if r.index != nil {
		if i, ok := r.index[rel.Name]; ok {
			return &r.Effects[i]
		}
	} else {
		for i := range r.Effects {
			e := &r.Effects[i]
			if e.OID == oid && e.Name == rel.Name {
				return e
			}
		}
	}
	if r.Effects == nil {
		r.Effects = make([]Effect, 0, 4)
	}
	r.Effects = append(r.Effects, Effect{OID: oid, Name: rel.Name, Kind: rel.Kind})
	if r.index != nil {
		r.index[rel.Name] = len(r.Effects) - 1
	} else if len(r.Effects) > 32 {
		r.index = make(map[catalog.Name]int, 64)
		for i := range r.Effects {
			r.index[r.Effects[i].Name] = i
		}
	}
	return &r.Effects[len(r.Effects)-1]
}

// lockRelation takes a lock on a relation, unless a stronger one is held.
func (r *run) lockRelation(rel *catalog.Relation, mode onward.Lock) *Effect {
	e := r.effectOn(rel)
	e.Lock = max(e.Lock, mode)
	return e
}

// lockWithReason is lockRelation with a reason, for a relation that the statement does not name.
func (r *run) lockWithReason(rel *catalog.Relation, mode onward.Lock, reason string) *Effect {
	known := len(r.Effects)
	e := r.lockRelation(rel, mode)
	if len(r.Effects) > known {
		e.Why = reason
	}
	return e
}

// recordCreated records a relation that the statement itself creates. If it replaces a dropped
// relation of the same name, it counts as that relation, rebuilt.
func (r *run) recordCreated(name catalog.Name, kind catalog.Kind) *Effect {
	if e := r.findDroppedEffect(name); e != nil {
		e.Dropped, e.RebuildsIndex = false, true
		return e
	}
	if r.Schema != "" {
		r.Made = append(r.Made, name.Name)
	}
	e := r.effectOn(catalog.StandIn(name, kind, false))
	e.Lock, e.Created = onward.AccessExclusiveLock, true
	return e
}

// findDroppedEffect returns the effect on a relation that the statement drops, by name; nil for
// none.
func (r *run) findDroppedEffect(name catalog.Name) *Effect {
	if r.index != nil {
		if i, ok := r.index[name]; ok && r.Effects[i].Dropped {
			return &r.Effects[i]
		}
		return nil
	}
	for i := range r.Effects {
		if e := &r.Effects[i]; e.Dropped && e.Name == name {
			return e
		}
	}
	return nil
}

// recordDropped locks a relation that the statement drops.
func (r *run) recordDropped(rel *catalog.Relation, reason string) {
	r.lockWithReason(rel, onward.AccessExclusiveLock, reason).Dropped = true
}

// isDropped reports whether the statement drops a relation.
func (r *run) isDropped(oid catalog.OID) bool {
	if r.index != nil {
		if rel := r.C.Relation(oid); rel != nil {
			if i, ok := r.index[rel.Name]; !ok || r.Effects[i].OID == oid {
				return ok && r.Effects[i].Dropped
			}
		}
	}
	for i := range r.Effects {
		if r.Effects[i].OID == oid {
			return r.Effects[i].Dropped
		}
	}
	return false
}

// recordEmptied records that a relation gets empty storage, with its indexes.
func (r *run) recordEmptied(rel *catalog.Relation, reason string) {
	e := r.lockWithReason(rel, onward.AccessExclusiveLock, reason)
	if rel.Kind == catalog.PartitionedTable || rel.Kind == catalog.ForeignTable {
		return
	}
	e.Rewrites, e.Instant = true, true
	e.RebuildsIndex = e.RebuildsIndex || len(rel.Indexes) > 0
	for _, i := range r.C.IndexesOf(rel) {
		x := r.lockWithReason(i, onward.AccessExclusiveLock, "index of "+rel.Name.String())
		x.RebuildsIndex, x.Instant = true, true
	}
}

// recordRewritten records that a table's file is rewritten with all its indexes.
func (r *run) recordRewritten(rel *catalog.Relation, reason string) {
	e := r.lockWithReason(rel, onward.AccessExclusiveLock, reason)
	e.Rewrites, e.Scans = true, true
	rebuilds := e.RebuildsIndex
	for _, i := range r.C.IndexesOf(rel) {
		if x := r.lockWithReason(i, onward.AccessExclusiveLock, "index of "+rel.Name.String()); !x.Dropped {
			x.RebuildsIndex, rebuilds = true, true
		}
	}
	r.effectOn(rel).RebuildsIndex = rebuilds
}

// recordUnlisted records the effect on relations that the statement does not name.
func (r *run) recordUnlisted(description string, kind catalog.Kind, mode onward.Lock) *UnlistedEffect {
	r.Unlisted = &UnlistedEffect{Effect: Effect{Name: catalog.Name{Name: description}, Kind: kind, Lock: mode}}
	return r.Unlisted
}

// findTable is find for the table that a statement names.
func (r *run) findTable(rv *pgparse.RangeVar) *catalog.Relation {
	if oid, ok := r.bound[rv]; ok {
		return r.C.Relation(oid)
	}
	return r.FindTable(rv)
}

// lockDescendants locks everything below a relation.
func (r *run) lockDescendants(rel *catalog.Relation, mode onward.Lock) {
	for _, k := range r.C.ListTree(rel, true)[1:] {
		r.lockWithReason(k, mode, childReason(k, rel))
	}
}

func childReason(kid, parent *catalog.Relation) string {
	if kid.Parent != 0 {
		return "partition of " + parent.Name.String()
	}
	return "inherits from " + parent.Name.String()
}
