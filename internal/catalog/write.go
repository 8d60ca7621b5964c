package catalog

import (
	"slices"
	"strings"
)

// The methods here replace objects of the catalog under construction and keep
// the journal.

func (f *fold) log(n entry) {
	n.prev = f.journal
	if n.prev != nil {
		n.depth = n.prev.depth + 1
	}
	f.journal = &n
}

// newOID gives the number of the next object.
func (f *fold) newOID() OID {
	f.next++
	return f.next - 1
}

// put stores a new relation. A relation whose OID is 0 gets one. It may be
// changed in place until the statement ends.
func (f *fold) put(r *Relation) *Relation {
	if r.OID == 0 {
		r.OID = f.newOID()
	}
	if at, ok := f.names.get(r.Name); ok && at != r.OID {
		f.dropRelation(at)
	}
	if r.Name == f.creating {
		f.creating = Name{}
	}
	if r.numbers != nil {
		r.own().numbers = nil // a column that comes later is another
	}
	f.relations = f.relations.set(f.own, r.OID, r)
	f.name(r.OID, r.Name)
	f.disown(r.OID)
	f.take(r)
	f.using = true
	f.log(entry{kind: touchedRelation, oid: r.OID})
	return r
}

// name notes that a relation has a name from now on.
func (f *fold) name(oid OID, name Name) {
	f.names = f.names.set(f.own, name, oid)
	f.temporary = f.temporary || name.Schema == "pg_temp"
	f.unmarkGone("relation", name)
	if lower := strings.ToLower(name.Name); lower != name.Name {
		f.capitals = f.capitals.set(f.own, Name{name.Schema, lower}, oid)
	}
}

// take notes that a relation is the statement's to change in place.
func (f *fold) take(r *Relation) {
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

// place is where a relation stands in owned; -1 for nowhere.
func (f *fold) place(oid OID) int {
	if f.places == nil {
		return slices.IndexFunc(f.owned, func(r *Relation) bool { return r != nil && r.OID == oid })
	}
	if at, ok := f.places[oid]; ok {
		return at
	}
	return -1
}

// disown forgets the copy of a relation.
func (f *fold) disown(oid OID) {
	if at := f.place(oid); at >= 0 {
		f.owned[at] = nil
		delete(f.places, oid)
	}
}

// edit gives a relation that may be changed in place: a copy, which is in the
// catalog under construction already. Slices in it are shared with the old one
// until they are copied (editColumn, with, without). nil when there is no such
// relation. Names are changed by rename only.
func (f *fold) edit(oid OID) *Relation {
	if at := f.place(oid); at >= 0 {
		return f.owned[at]
	}
	old := f.Relation(oid)
	if old == nil {
		return nil
	}
	next := *old
	f.relations = f.relations.set(f.own, oid, &next)
	f.take(&next)
	f.log(entry{kind: touchedRelation, oid: oid})
	return &next
}

// rename gives a relation another name.
func (f *fold) rename(oid OID, name Name) {
	r := f.edit(oid)
	if r == nil || r.Name == name {
		return
	}
	if at, ok := f.names.get(r.Name); ok && at == oid {
		f.names = f.names.delete(f.own, r.Name)
		f.markGone("relation", r.Name)
	}
	if at, ok := f.names.get(name); ok && at != oid {
		// The server would refuse: what has the name must have gone unseen.
		f.dropRelation(at)
		if f.Relation(oid) == nil {
			return // it went with that one
		}
	}
	f.name(oid, name)
	r.Name = name
}

// remove takes a relation out. References to it are the caller's to mend.
func (f *fold) remove(oid OID) {
	r := f.Relation(oid)
	if r == nil {
		return
	}
	if at, ok := f.names.get(r.Name); ok && at == oid {
		f.names = f.names.delete(f.own, r.Name)
		f.markGone("relation", r.Name)
	}
	f.relations = f.relations.set(f.own, oid, nil)
	f.disown(oid)
	f.log(entry{kind: touchedRelation, oid: oid})
}

func (f *fold) putType(t *UserType) *UserType {
	if t.OID == 0 {
		t.OID = f.newOID()
	}
	if old := f.Type(t.OID); old != nil && old.Name != t.Name {
		f.typeNames = f.typeNames.delete(f.own, old.Name)
		f.markGone("type", old.Name)
	}
	f.types = f.types.set(f.own, t.OID, t)
	f.typeNames = f.typeNames.set(f.own, t.Name, t.OID)
	f.unmarkGone("type", t.Name)
	f.log(entry{kind: touchedType, oid: t.OID})
	return t
}

// changeType stores a changed copy of a type. Slices that do grows or edits in
// place must be copied by it: they are shared.
func (f *fold) changeType(oid OID, do func(*UserType)) *UserType {
	old := f.Type(oid)
	if old == nil {
		return nil
	}
	next := *old
	do(&next)
	return f.putType(&next)
}

func (f *fold) removeType(oid OID) {
	t := f.Type(oid)
	if t == nil {
		return
	}
	f.typeNames = f.typeNames.delete(f.own, t.Name)
	f.types = f.types.delete(f.own, oid)
	f.markGone("type", t.Name)
	f.log(entry{kind: touchedType, oid: oid})
}

// setFunctions stores the overloads of a function; none removes it.
func (f *fold) setFunctions(name Name, overloads []*Function) {
	if len(overloads) == 0 {
		f.functions = f.functions.delete(f.own, name)
	} else {
		f.functions = f.functions.set(f.own, name, overloads)
	}
	f.log(entry{kind: touchedFunction, name: name})
}

func (f *fold) putObject(o *Object) {
	f.objects = f.objects.set(f.own, objectKey{o.Kind, o.Name}, o)
	f.unmarkGone(o.Kind, o.Name)
	f.published = f.published || o.Kind == "publication"
	f.log(entry{kind: touchedObject, name: o.Name, class: o.Kind})
}

func (f *fold) removeObject(kind string, name Name) {
	f.objects = f.objects.delete(f.own, objectKey{kind, name})
	f.markGone(kind, name)
	f.log(entry{kind: touchedObject, name: name, class: kind})
}

// unmodelled says that a statement changed something that is not held here.
func (f *fold) unmodelled(text string) {
	f.Unmodelled = &Note{Text: text, Next: f.Unmodelled}
}
