package catalog

import (
	"slices"
	"strings"
)

// The methods here replace objects of the catalog under construction, and log each
// of them in the journal, from which Diff learns which objects were touched.

func (f *fold) logEntry(n entry) {
	n.prev = f.journal
	if n.prev != nil {
		n.depth = n.prev.depth + 1
	}
	f.journal = &n
}

// newOID returns the OID of the next object.
func (f *fold) newOID() OID {
	f.next++
	return f.next - 1
}

// storeRelation stores a new relation. A relation whose OID is 0 gets one. It may be
// changed in place until the statement ends.
func (f *fold) storeRelation(r *Relation) *Relation {
	if r.OID == 0 {
		r.OID = f.newOID()
	}
	if holder, ok := f.names.get(r.Name); ok && holder != r.OID {
		f.dropRelation(holder)
	}
	if r.Name == f.creating {
		f.creating = Name{}
	}
	if r.numbers != nil {
		r.copyRare().numbers = nil // a column that comes later is another
	}
	f.relations = f.relations.storeRelation(f.own, r.OID, r)
	f.bindName(r.OID, r.Name)
	f.forgetCopy(r.OID)
	f.recordOwned(r)
	f.using = true
	f.logEntry(entry{kind: touchedRelation, oid: r.OID})
	return r
}

// bindName records that a relation has a name from now on.
func (f *fold) bindName(oid OID, name Name) {
	f.names = f.names.insertKey(f.own, name, oid)
	f.temporary = f.temporary || name.Schema == "pg_temp"
	f.unmarkDropped("relation", name)
	if lower := strings.ToLower(name.Name); lower != name.Name {
		f.capitals = f.capitals.insertKey(f.own, Name{name.Schema, lower}, oid)
	}
}

// recordOwned notes that a relation is the statement's to change in place.
func (f *fold) recordOwned(r *Relation) {
	f.owned = append(f.owned, r)
	switch {
	case f.places != nil:
		f.places[r.OID] = len(f.owned) - 1
	case len(f.owned) > few:
		f.places = map[OID]int{}
		for i, o := range f.owned {
			if o != nil {
				f.places[o.OID] = i
			}
		}
	}
}

// ownedIndex returns the index of a relation in owned; -1 for none.
func (f *fold) ownedIndex(oid OID) int {
	if f.places == nil {
		return slices.IndexFunc(f.owned, func(r *Relation) bool { return r != nil && r.OID == oid })
	}
	if index, ok := f.places[oid]; ok {
		return index
	}
	return -1
}

// forgetCopy forgets the copy of a relation.
func (f *fold) forgetCopy(oid OID) {
	if index := f.ownedIndex(oid); index >= 0 {
		f.owned[index] = nil
		delete(f.places, oid)
	}
}

// editRelation returns a relation that may be changed in place; nil if it does not exist. It is
// a copy in the catalog under construction. Its slices are shared with the old relation until
// they are copied (editColumn, appendShared, removeValue). Only rename changes names.
func (f *fold) editRelation(oid OID) *Relation {
	if index := f.ownedIndex(oid); index >= 0 {
		return f.owned[index]
	}
	old := f.Relation(oid)
	if old == nil {
		return nil
	}
	f.countMade(2)
	next := *old
	f.relations = f.relations.storeRelation(f.own, oid, &next)
	f.recordOwned(&next)
	f.logEntry(entry{kind: touchedRelation, oid: oid})
	return &next
}

// setRelationName gives a relation another name.
func (f *fold) setRelationName(oid OID, name Name) {
	r := f.editRelation(oid)
	if r == nil || r.Name == name {
		return
	}
	if holder, ok := f.names.get(r.Name); ok && holder == oid {
		f.names = f.names.deleteKey(f.own, r.Name)
		f.markDropped("relation", r.Name)
	}
	if holder, ok := f.names.get(name); ok && holder != oid {
		// The server would refuse: what has the name must have gone unseen.
		f.dropRelation(holder)
		if f.Relation(oid) == nil {
			return // it went with that one
		}
	}
	f.bindName(oid, name)
	r.Name = name
}

// removeRelation takes a relation out. References to it are the caller's to mend.
func (f *fold) removeRelation(oid OID) {
	r := f.Relation(oid)
	if r == nil {
		return
	}
	if holder, ok := f.names.get(r.Name); ok && holder == oid {
		f.names = f.names.deleteKey(f.own, r.Name)
		f.markDropped("relation", r.Name)
	}
	f.relations = f.relations.storeRelation(f.own, oid, nil)
	f.forgetCopy(oid)
	f.logEntry(entry{kind: touchedRelation, oid: oid})
}

func (f *fold) storeType(t *UserType) *UserType {
	if t.OID == 0 {
		t.OID = f.newOID()
	}
	if old := f.Type(t.OID); old != nil && old.Name != t.Name {
		f.typeNames = f.typeNames.deleteKey(f.own, old.Name)
		f.markDropped("type", old.Name)
	}
	f.types = f.types.insertKey(f.own, t.OID, t)
	f.typeNames = f.typeNames.insertKey(f.own, t.Name, t.OID)
	f.unmarkDropped("type", t.Name)
	f.logEntry(entry{kind: touchedType, oid: t.OID})
	return t
}

// changeType stores a changed copy of a type. Slices that edit grows or changes in
// place must be copied by it: they are shared.
func (f *fold) changeType(oid OID, edit func(*UserType)) *UserType {
	old := f.Type(oid)
	if old == nil {
		return nil
	}
	next := *old
	edit(&next)
	return f.storeType(&next)
}

func (f *fold) removeType(oid OID) {
	t := f.Type(oid)
	if t == nil {
		return
	}
	f.typeNames = f.typeNames.deleteKey(f.own, t.Name)
	f.types = f.types.deleteKey(f.own, oid)
	f.markDropped("type", t.Name)
	f.logEntry(entry{kind: touchedType, oid: oid})
}

// setFunctions stores the overloads of a function; none removes it.
func (f *fold) setFunctions(name Name, overloads []*Function) {
	if len(overloads) == 0 {
		f.functions = f.functions.deleteKey(f.own, name)
	} else {
		f.functions = f.functions.insertKey(f.own, name, overloads)
	}
	f.logEntry(entry{kind: touchedFunction, name: name})
}

func (f *fold) storeObject(o *Object) {
	f.objects = f.objects.insertKey(f.own, objectKey{o.Kind, o.Name}, o)
	f.unmarkDropped(o.Kind, o.Name)
	f.published = f.published || o.Kind == "publication"
	f.logEntry(entry{kind: touchedObject, name: o.Name, class: o.Kind})
}

func (f *fold) removeObject(kind string, name Name) {
	f.objects = f.objects.deleteKey(f.own, objectKey{kind, name})
	f.markDropped(kind, name)
	f.logEntry(entry{kind: touchedObject, name: name, class: kind})
}

// recordUnmodelled says that a statement changed something that is not held here.
func (f *fold) recordUnmodelled(text string) {
	f.Unmodelled = &Note{Text: text, Next: f.Unmodelled}
}
