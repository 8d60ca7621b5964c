package catalog

import (
	"maps"
	"slices"
	"strconv"
)

// Diff gives the difference of two catalogs of which after was folded from
// before: what other sessions see of the span at once. It costs what was
// touched in between, not what there is. The order is that in which things
// were first touched.
//
// A created relation is one delta: its columns, constraints and indexes are
// part of it, as is the sequence of a serial column. The same goes for what a
// partition or child has from its parent when the parent's delta is there.
// What a dropped column takes along has deltas of its own.
func Diff(before, after *Catalog) []Delta {
	if before == after || before.journal == after.journal {
		return nil
	}
	d := &differ{before: before, after: after}
	var few [16]*entry
	for _, n := range touched(few[:0], before.journal, after.journal) {
		switch n.kind {
		case touchedRelation:
			d.relation(n.oid)
		case touchedType:
			d.userType(n.oid)
		case touchedFunction:
			d.functions(n.name)
		case touchedObject:
			d.object(n.class, n.name)
		}
	}
	return d.out
}

// touched lists what two journals do not share, oldest first, each thing once.
func touched(list []*entry, a, b *entry) []*entry {
	var undone []*entry
	for a != b {
		if a.length() >= b.length() {
			undone = append(undone, a)
			a = a.prev
		} else {
			list = append(list, b)
			b = b.prev
		}
	}
	// Both were collected from their newest entry on.
	list = append(list, undone...)
	slices.Reverse(list)
	return distinct(list)
}

// distinct leaves the first of the entries about one thing.
func distinct(list []*entry) []*entry {
	if len(list) <= 16 {
		n := 0
		for _, e := range list {
			if !slices.ContainsFunc(list[:n], e.same) {
				list[n] = e
				n++
			}
		}
		return list[:n]
	}
	seen := make(map[entry]bool, len(list))
	return slices.DeleteFunc(list, func(e *entry) bool {
		key := entry{kind: e.kind, oid: e.oid, name: e.name, class: e.class}
		was := seen[key]
		seen[key] = true
		return was
	})
}

// same reports whether two entries are about one thing.
func (n *entry) same(o *entry) bool {
	return n.kind == o.kind && n.oid == o.oid && n.name == o.name && n.class == o.class
}

// length is how many entries a journal has.
func (n *entry) length() int {
	if n == nil {
		return 0
	}
	return n.depth + 1
}

type differ struct {
	before, after *Catalog
	out           []Delta
}

func (d *differ) add(x Delta) { d.out = append(d.out, x) }

// created reports whether a relation came into being in the span. What was
// merely inferred before counts as not there.
func (d *differ) created(oid OID) bool {
	a := d.after.Relation(oid)
	if a == nil || a.Inferred {
		return false
	}
	b := d.before.Relation(oid)
	return b == nil || b.Inferred && a.Adopted && !b.Adopted
}

func (d *differ) dropped(oid OID) bool {
	return d.after.Relation(oid) == nil && d.before.Relation(oid) != nil
}

func relationKey(oid OID) string {
	var room [16]byte
	return string(appendKey(room[:0], oid))
}

func columnKey(oid OID, attnum int16) string { return partKey(oid, ".c", int64(attnum)) }
func constraintKey(oid, id OID) string       { return partKey(oid, ".k", int64(id)) }

func partKey(oid OID, kind string, id int64) string {
	var room [32]byte
	return string(strconv.AppendInt(append(appendKey(room[:0], oid), kind...), id, 10))
}

func appendKey(b []byte, oid OID) []byte { return strconv.AppendInt(append(b, 'r'), int64(oid), 10) }

// was is a relation before the span, with what the statements of the span let
// infer of it: it must have been there all the time.
func (d *differ) was(oid OID) *Relation {
	b := d.before.Relation(oid)
	guess, _ := d.after.guesses.get(oid)
	old, _ := d.before.guesses.get(oid)
	if guess == nil || guess == old {
		return b
	}
	if b == nil {
		if !guess.Inferred {
			return nil // made since
		}
		return guess
	}
	return b.withGuess(guess, old)
}

func (d *differ) relation(oid OID) {
	b, a := d.was(oid), d.after.Relation(oid)
	switch {
	case b == a || b == nil && a == nil:
	case a != nil && b != nil && (a.Index == nil) != (b.Index == nil):
		// Its kind was a guess, and the wrong one.
	case a != nil && a.Index != nil || b != nil && b.Index != nil:
		d.index(oid, b, a)
	case b == nil && a.Inferred:
		// It was there all the time.
	case d.created(oid):
		if a.Kind == Sequence && a.Seq.OwnerTable != 0 && d.sequenceOfNew(a) {
			return
		}
		d.add(Delta{Kind: RelationCreated, OID: oid, After: a, Key: relationKey(oid)})
	case a == nil:
		if b.Kind == Sequence && b.Seq.OwnerTable != 0 && d.sequenceOfGone(b) {
			return
		}
		d.add(Delta{Kind: RelationDropped, OID: oid, Before: b, Key: relationKey(oid)})
	default:
		d.changed(oid, b, a)
	}
}

// sequenceOfNew reports a sequence that came with its table or column.
func (d *differ) sequenceOfNew(seq *Relation) bool {
	t := seq.Seq.OwnerTable
	if d.created(t) {
		return true
	}
	old := d.before.Relation(t)
	if old == nil {
		return false
	}
	c := old.Attr(seq.Seq.OwnerColumn)
	return c == nil || seq.Seq.Identity && c.Identity == ""
}

// sequenceOfGone reports a sequence that went with its table, column or
// identity.
func (d *differ) sequenceOfGone(seq *Relation) bool {
	t := d.after.Relation(seq.Seq.OwnerTable)
	if t == nil {
		return true
	}
	return t.Attr(seq.Seq.OwnerColumn) == nil || seq.Seq.Identity
}

// changed compares a relation that is there before and after.
func (d *differ) changed(oid OID, b, a *Relation) {
	base := Delta{OID: oid, Before: b, After: a, Key: relationKey(oid)}
	if b.Name != a.Name {
		x := base
		x.Kind = RelationRenamed
		d.add(x)
	}
	d.columns(base, b, a)
	d.constraints(base, b, a)
	d.partitions(base, b, a)
	d.triggers(base, b, a)
	d.policies(base, b, a)
	d.rules(base, b, a)
	if a.View != nil && b.View != nil && a.View.Query != b.View.Query {
		x := base
		x.Kind = ViewReplaced
		d.add(x)
	}
	for _, w := range relationDetails(b, a) {
		x := base
		x.Kind, x.What, x.Key = RelationChanged, w, base.Key+"."+w
		d.add(x)
	}
	d.grants(base, b, a)
}

// relationDetails names what became different of the relation as a whole.
func relationDetails(b, a *Relation) []string {
	var out []string
	note := func(different bool, what string) {
		if different {
			out = append(out, what)
		}
	}
	note(b.Persistence != a.Persistence, "persistence")
	note(b.RLS != a.RLS, "row level security")
	note(b.ForceRLS != a.ForceRLS, "forced row level security")
	note(b.ReplicaIdentity != a.ReplicaIdentity, "replica identity")
	note(b.AccessMethod != a.AccessMethod, "access method")
	note(b.Tablespace != a.Tablespace, "tablespace")
	note(!maps.Equal(b.Options, a.Options), "options")
	note(b.OfType != a.OfType, "type")
	note(b.Owner != a.Owner, "owner")
	note(b.Comment != a.Comment, "comment")
	if b.Seq != nil && a.Seq != nil {
		note(b.Seq.Type != a.Seq.Type, "sequence type")
		note(b.Seq.OwnerTable != a.Seq.OwnerTable || b.Seq.OwnerColumn != a.Seq.OwnerColumn, "sequence owner")
	}
	if b.View != nil && a.View != nil {
		note(b.View.Filled != a.View.Filled, "data")
	}
	return out
}

// parentTells reports a table whose parent is there in both catalogs
// and was touched too: what is the same there is not said again.
func (d *differ) parentTells(a *Relation, tells func(b, a *Relation) bool) bool {
	parents := a.Inherits
	if a.Parent != 0 {
		parents = []OID{a.Parent}
	}
	for _, oid := range parents {
		b, a := d.before.Relation(oid), d.after.Relation(oid)
		if b != nil && a != nil && b != a && tells(b, a) {
			return true
		}
	}
	return false
}
