package catalog

// edit is a catalog under construction: the copy that Apply works on. Its
// methods replace objects and keep the journal.
type edit struct{ *Catalog }

// begin copies a catalog so that it can be edited.
func (c *Catalog) begin() edit {
	next := *c
	return edit{&next}
}

func (e edit) log(n entry) {
	n.prev = e.journal
	if n.prev != nil {
		n.depth = n.prev.depth + 1
	}
	e.journal = &n
}

// newOID gives the number of the next object.
func (e edit) newOID() OID {
	e.next++
	return e.next - 1
}

// put stores a relation, which must not be changed afterwards. A relation
// whose OID is 0 gets one.
func (e edit) put(r *Relation) *Relation {
	if r.OID == 0 {
		r.OID = e.newOID()
	}
	if old := e.Relation(r.OID); old != nil && old.Name != r.Name {
		e.names = e.names.Delete(old.Name)
	}
	e.relations = e.relations.Set(r.OID, r)
	e.names = e.names.Set(r.Name, r.OID)
	e.log(entry{kind: touchedRelation, oid: r.OID})
	return r
}

// change stores a changed copy of a relation. Slices in it that f grows or
// edits in place must be copied by f (slices.Clone): they are shared.
func (e edit) change(oid OID, f func(*Relation)) *Relation {
	old := e.Relation(oid)
	if old == nil {
		return nil
	}
	next := *old
	f(&next)
	return e.put(&next)
}

// remove takes a relation out. References to it are the caller's to mend.
func (e edit) remove(oid OID) {
	r := e.Relation(oid)
	if r == nil {
		return
	}
	if at, ok := e.names.Get(r.Name); ok && at == oid {
		e.names = e.names.Delete(r.Name)
	}
	e.relations = e.relations.Delete(oid)
	e.log(entry{kind: touchedRelation, oid: oid})
}

func (e edit) putType(t *UserType) *UserType {
	if t.OID == 0 {
		t.OID = e.newOID()
	}
	if old := e.Type(t.OID); old != nil && old.Name != t.Name {
		e.typeNames = e.typeNames.Delete(old.Name)
	}
	e.types = e.types.Set(t.OID, t)
	e.typeNames = e.typeNames.Set(t.Name, t.OID)
	e.log(entry{kind: touchedType, oid: t.OID})
	return t
}

func (e edit) changeType(oid OID, f func(*UserType)) *UserType {
	old := e.Type(oid)
	if old == nil {
		return nil
	}
	next := *old
	f(&next)
	return e.putType(&next)
}

func (e edit) removeType(oid OID) {
	t := e.Type(oid)
	if t == nil {
		return
	}
	e.typeNames = e.typeNames.Delete(t.Name)
	e.types = e.types.Delete(oid)
	e.log(entry{kind: touchedType, oid: oid})
}

// setFunctions stores the overloads of a function; none removes it.
func (e edit) setFunctions(name Name, overloads []*Function) {
	if len(overloads) == 0 {
		e.functions = e.functions.Delete(name)
	} else {
		e.functions = e.functions.Set(name, overloads)
	}
	e.log(entry{kind: touchedFunction, name: name})
}

func (e edit) putObject(o *Object) {
	e.objects = e.objects.Set(objectKey{o.Kind, o.Name}, o)
	e.log(entry{kind: touchedObject, name: o.Name, class: o.Kind})
}

func (e edit) removeObject(kind string, name Name) {
	e.objects = e.objects.Delete(objectKey{kind, name})
	e.log(entry{kind: touchedObject, name: name, class: kind})
}

// unmodelled says that a statement changed something that is not held here.
func (e edit) unmodelled(text string) {
	e.Unmodelled = &Note{Text: text, Next: e.Unmodelled}
}
