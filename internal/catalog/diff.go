package catalog

import (
	"maps"
	"slices"
	"strconv"
)

// Diff returns the difference between two catalogs, if after was folded from before: what
// other sessions see of all changes at once. Its cost depends on the touched objects, not
// on the size of the schema. The order is the order in which objects were first touched.
//
// A created relation is one delta, which includes its columns, constraints and indexes,
// and the sequence of a serial column. So are the objects that a partition or child
// inherits, if its parent has a delta. Objects dropped together with a column have deltas
// of their own.
func Diff(before, after *Catalog) []Delta {
	if before == after || before.journal == after.journal {
		return nil
	}
	d := &catalogDiff{before: before, after: after}
	var few [16]*entry
	for _, n := range listTouchedEntries(few[:0], before.journal, after.journal) {
		switch n.kind {
		case touchedRelation:
			d.compareRelation(n.oid)
		case touchedType:
			d.compareType(n.oid)
		case touchedFunction:
			d.compareFunctions(n.name)
		case touchedObject:
			d.compareObject(n.class, n.name)
		}
	}
	return d.out
}

// listTouchedEntries lists what two journals do not share, oldest first, each thing once.
func listTouchedEntries(list []*entry, a, b *entry) []*entry {
	var undone []*entry
	for a != b {
		if a.journalLength() >= b.journalLength() {
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
	return dedupeEntries(list)
}

// dedupeEntries leaves the first of the entries about one thing.
func dedupeEntries(list []*entry) []*entry {
	if len(list) <= 16 {
		n := 0
		for _, e := range list {
			if !slices.ContainsFunc(list[:n], e.isSameObject) {
				list[n] = e
				n++
			}
		}
		return list[:n]
	}
	seen := make(map[entry]bool, len(list))
	return slices.DeleteFunc(list, func(e *entry) bool {
		key := entry{kind: e.kind, oid: e.oid, name: e.name, class: e.class}
		isDuplicate := seen[key]
		seen[key] = true
		return isDuplicate
	})
}

// isSameObject reports whether two entries are about one thing.
func (n *entry) isSameObject(o *entry) bool {
	return n.kind == o.kind && n.oid == o.oid && n.name == o.name && n.class == o.class
}

// journalLength is how many entries a journal has.
func (n *entry) journalLength() int {
	if n == nil {
		return 0
	}
	return n.depth + 1
}

type catalogDiff struct {
	before, after *Catalog
	out           []Delta
}

func (d *catalogDiff) addDelta(x Delta) { d.out = append(d.out, x) }

// isCreated reports whether a relation came into being in the span. What was
// merely inferred before counts as not there.
func (d *catalogDiff) isCreated(oid OID) bool {
	a := d.after.Relation(oid)
	if a == nil || a.Inferred {
		return false
	}
	b := d.before.Relation(oid)
	return b == nil || b.Inferred && a.Adopted && !b.Adopted
}

func (d *catalogDiff) isDropped(oid OID) bool {
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

// relationBefore is a relation before the span, with what the statements of the span let
// infer of it: it must have been there all the time.
func (d *catalogDiff) relationBefore(oid OID) *Relation {
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

func (d *catalogDiff) compareRelation(oid OID) {
	b, a := d.relationBefore(oid), d.after.Relation(oid)
	switch {
	case b == a || b == nil && a == nil:
	case a != nil && b != nil && (a.Index == nil) != (b.Index == nil):
		// Its kind was a guess, and the wrong one.
	case a != nil && a.Index != nil || b != nil && b.Index != nil:
		d.compareIndex(oid, b, a)
	case b == nil && a.Inferred:
		// It was there all the time.
	case d.isCreated(oid):
		if a.Kind == Sequence && a.Seq.OwnerTable != 0 && d.isCreatedWithOwner(a) {
			return
		}
		d.addDelta(Delta{Kind: RelationCreated, OID: oid, After: a, Key: relationKey(oid)})
	case a == nil:
		if b.Kind == Sequence && b.Seq.OwnerTable != 0 && d.isDroppedWithOwner(b) {
			return
		}
		d.addDelta(Delta{Kind: RelationDropped, OID: oid, Before: b, Key: relationKey(oid)})
	default:
		d.compareExistingRelation(oid, b, a)
	}
}

// isCreatedWithOwner reports a sequence that came with its table or column.
func (d *catalogDiff) isCreatedWithOwner(seq *Relation) bool {
	t := seq.Seq.OwnerTable
	if d.isCreated(t) {
		return true
	}
	old := d.before.Relation(t)
	if old == nil {
		return false
	}
	c := old.Attr(seq.Seq.OwnerColumn)
	return c == nil || seq.Seq.Identity && c.Identity == ""
}

// isDroppedWithOwner reports a sequence that went with its table, column or
// identity.
func (d *catalogDiff) isDroppedWithOwner(seq *Relation) bool {
	t := d.after.Relation(seq.Seq.OwnerTable)
	if t == nil {
		return true
	}
	return t.Attr(seq.Seq.OwnerColumn) == nil || seq.Seq.Identity
}

// compareExistingRelation compares a relation that is there before and after.
func (d *catalogDiff) compareExistingRelation(oid OID, b, a *Relation) {
	base := Delta{OID: oid, Before: b, After: a, Key: relationKey(oid)}
	if b.Name != a.Name {
		x := base
		x.Kind = RelationRenamed
		d.addDelta(x)
	}
	d.compareColumns(base, b, a)
	d.compareConstraints(base, b, a)
	d.comparePartitions(base, b, a)
	d.compareTriggers(base, b, a)
	d.comparePolicies(base, b, a)
	d.compareRules(base, b, a)
	if a.View != nil && b.View != nil && a.View.Query != b.View.Query {
		x := base
		x.Kind = ViewReplaced
		d.addDelta(x)
	}
	for _, w := range listChangedProperties(b, a) {
		x := base
		x.Kind, x.What, x.Key = RelationChanged, w, base.Key+"."+w
		d.addDelta(x)
	}
	d.compareGrants(base, b, a)
}

// listChangedProperties lists the properties of the relation as a whole that differ: not its columns, constraints and other parts.
func listChangedProperties(before, after *Relation) []string {
	var out []string
	note := func(different bool, property string) {
		if different {
			out = append(out, property)
		}
	}
	note(before.Persistence != after.Persistence, "persistence")
	note(before.RLS != after.RLS, "row level security")
	note(before.ForceRLS != after.ForceRLS, "forced row level security")
	note(before.ReplicaIdentity != after.ReplicaIdentity, "replica identity")
	note(before.AccessMethod != after.AccessMethod, "access method")
	note(before.Tablespace != after.Tablespace, "tablespace")
	note(!maps.Equal(before.Options, after.Options), "options")
	note(before.OfType != after.OfType, "type")
	note(before.Owner != after.Owner, "owner")
	note(before.Comment != after.Comment, "comment")
	if before.Seq != nil && after.Seq != nil {
		note(before.Seq.Type != after.Seq.Type, "sequence type")
		note(before.Seq.OwnerTable != after.Seq.OwnerTable || before.Seq.OwnerColumn != after.Seq.OwnerColumn, "sequence owner")
	}
	if before.View != nil && after.View != nil {
		note(before.View.Filled != after.View.Filled, "data")
	}
	return out
}

// parentHasChange reports whether a table's parent is in both catalogs and has the same
// change, so that the change is not repeated for the table.
func (d *catalogDiff) parentHasChange(a *Relation, tells func(b, a *Relation) bool) bool {
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
