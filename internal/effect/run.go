package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// run collects the effects of one statement.
type run struct {
	answer.Question
	s Session
	Result
	// index finds effects once there are too many to look through.
	index map[catalog.Name]int
	depth int
	// bound says what names mean in the action of a rule.
	bound map[*pgparse.RangeVar]catalog.OID
	// firing are the rules and triggers at work.
	firing []answer.Firing
	// without are the columns whose drop was followed.
	without []columnOf
	// taken are the names that the statement itself has made, among the effects that
	// were looked at; tried is how many were taken where many things have the like.
	taken  map[string]bool
	looked int
	tried  map[string]int
}

// maxDepth bounds recursion through partitions, views and cascades: a folded
// catalog may hold what a server never would.
const maxDepth = 64

// at is the effect on a relation, new or old. The pointer holds until the next
// call.
func (r *run) at(rel *catalog.Relation) *Effect {
	if r.index != nil {
		if i, ok := r.index[rel.Name]; ok {
			return &r.Effects[i]
		}
	} else {
		for i := range r.Effects {
			e := &r.Effects[i]
			if e.OID == rel.OID && e.Name == rel.Name {
				return e
			}
		}
	}
	if r.Effects == nil {
		r.Effects = make([]Effect, 0, 4)
	}
	r.Effects = append(r.Effects, Effect{OID: rel.OID, Name: rel.Name, Kind: rel.Kind})
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

// lock takes a lock on a relation, unless a stronger one is held.
func (r *run) lock(rel *catalog.Relation, mode onward.Lock) *Effect {
	e := r.at(rel)
	e.Lock = max(e.Lock, mode)
	return e
}

// lockFor is lock with the reason, for a relation that the statement does not
// name.
func (r *run) lockFor(rel *catalog.Relation, mode onward.Lock, why string) *Effect {
	known := len(r.Effects)
	e := r.lock(rel, mode)
	if len(r.Effects) > known {
		e.Why = why
	}
	return e
}

// create notes a relation that the statement itself creates.
// One that takes the place of a dropped one of the same name is that one, built
// anew.
func (r *run) create(name catalog.Name, kind catalog.Kind) *Effect {
	if e := r.droppedAs(name); e != nil {
		e.Dropped, e.RebuildsIndex = false, true
		return e
	}
	if r.Schema != "" {
		r.Made = append(r.Made, name.Name)
	}
	e := r.at(catalog.StandIn(name, kind, false))
	e.Lock, e.Created = onward.AccessExclusiveLock, true
	return e
}

// droppedAs is the effect on a relation of a name that the statement drops; nil for
// none.
func (r *run) droppedAs(name catalog.Name) *Effect {
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

// drop locks a relation that the statement drops.
func (r *run) drop(rel *catalog.Relation, why string) {
	r.lockFor(rel, onward.AccessExclusiveLock, why).Dropped = true
}

// dropped reports whether the statement drops a relation.
func (r *run) dropped(oid catalog.OID) bool {
	for i := range r.Effects {
		if r.Effects[i].OID == oid {
			return r.Effects[i].Dropped
		}
	}
	return false
}

// truncate notes that a relation gets empty storage, with its indexes.
func (r *run) empty(rel *catalog.Relation, why string) {
	e := r.lockFor(rel, onward.AccessExclusiveLock, why)
	if rel.Kind == catalog.PartitionedTable || rel.Kind == catalog.ForeignTable {
		return
	}
	e.Rewrites, e.Instant = true, true
	e.RebuildsIndex = e.RebuildsIndex || len(rel.Indexes) > 0
	for _, i := range r.C.IndexesOf(rel) {
		x := r.lockFor(i, onward.AccessExclusiveLock, "index of "+rel.Name.String())
		x.RebuildsIndex, x.Instant = true, true
	}
}

// rewrite notes that a table's file is rewritten with all its indexes.
func (r *run) rewrite(rel *catalog.Relation, why string) {
	e := r.lockFor(rel, onward.AccessExclusiveLock, why)
	e.Rewrites, e.Scans = true, true
	rebuilds := e.RebuildsIndex
	for _, i := range r.C.IndexesOf(rel) {
		if x := r.lockFor(i, onward.AccessExclusiveLock, "index of "+rel.Name.String()); !x.Dropped {
			x.RebuildsIndex, rebuilds = true, true
		}
	}
	r.at(rel).RebuildsIndex = rebuilds
}

// unlisted notes what the statement does to relations that it does not name.
func (r *run) unlisted(what string, kind catalog.Kind, mode onward.Lock) *Unlisted {
	r.Unlisted = &Unlisted{Effect: Effect{Name: catalog.Name{Name: what}, Kind: kind, Lock: mode}}
	return r.Unlisted
}

// table is find for what a statement names as its table.
func (r *run) table(rv *pgparse.RangeVar) *catalog.Relation {
	if oid, ok := r.bound[rv]; ok {
		return r.C.Relation(oid)
	}
	return r.Table(rv)
}

// below locks everything below a relation.
func (r *run) below(rel *catalog.Relation, mode onward.Lock) {
	for _, k := range r.C.Tree(rel, true)[1:] {
		r.lockFor(k, mode, childOf(k, rel))
	}
}

func childOf(kid, of *catalog.Relation) string {
	if kid.Parent != 0 {
		return "partition of " + of.Name.String()
	}
	return "inherits from " + of.Name.String()
}
