package elements

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// Kind is a kind of element.
type Kind string

// The kinds of elements.
const (
	Table      Kind = "table"
	Column     Kind = "column"
	Constraint Kind = "constraint"
	Index      Kind = "index"
	Object     Kind = "object" // a type, a function or anything else that only its name identifies
)

// Target is the state that an element has after the release.
type Target string

// The targets of elements.
const (
	Present  Target = "absent → present"
	Absent   Target = "present → absent"
	Replaced Target = "replaced" // absent, and another element has its name
	Changed  Target = "changed"
)

// Key identifies an element independently of its name, except for an [Object].
type Key struct {
	Kind  Kind
	Table catalog.OID // its table, or the table itself; 0 for an Object
	ID    int64       // the column's attnum, the constraint's ID or the index' OID
	Name  string      // only of an Object
}

func tableKey(oid catalog.OID) Key { return Key{Kind: Table, Table: oid} }
func columnKey(oid catalog.OID, attnum int16) Key {
	return Key{Kind: Column, Table: oid, ID: int64(attnum)}
}
func constraintKey(oid catalog.OID, id int64) Key { return Key{Kind: Constraint, Table: oid, ID: id} }
func indexKey(table, index catalog.OID) Key       { return Key{Kind: Index, Table: table, ID: int64(index)} }
func objectKey(name string) Key                   { return Key{Kind: Object, Name: name} }
func (k Key) isPartOf(table catalog.OID) bool {
	return k.Kind != Table && k.Kind != Object && k.Table == table
}

// Element is a part of the schema that the release makes, drops, replaces or changes.
type Element struct {
	Key
	Target Target
	// Name is its name after the release, or before the release if it is dropped.
	Name string
	// By is the element that takes the name of a replaced one.
	By *Element
}

// String returns "column users.name: replaced".
func (e *Element) String() string { return fmt.Sprintf("%s %s: %s", e.Kind, e.Name, e.Target) }

// Compare returns the elements in which two catalogs differ, in the order in which the release first touches them. The second
// catalog must be folded from the first.
func Compare(base, head *catalog.Catalog) []*Element {
	var out []*Element
	add := func(key Key, target Target, name string) {
		if !slices.ContainsFunc(out, func(e *Element) bool { return e.Key == key }) {
			out = append(out, &Element{Key: key, Target: target, Name: name})
		}
	}
	deltas := catalog.Diff(base, head)
	for i := range deltas {
		d := &deltas[i]
		for _, p := range partsOf(d) {
			add(p.key, p.findTarget(), p.name)
		}
	}
	for _, e := range out {
		if e.Target != Absent {
			continue
		}
		index := slices.IndexFunc(out, func(o *Element) bool {
			return o.Target == Present && o.Kind == e.Kind && o.Name == e.Name && (o.Table == e.Table || e.Kind == Table)
		})
		if index >= 0 {
			e.Target, e.By = Replaced, out[index]
		}
	}
	return out
}

// part is an element of a delta, and on which sides of it the element is.
type part struct {
	key          Key
	name, own    string // with its table, and alone
	isOld, isNew bool
}

func (p *part) findTarget() Target {
	switch {
	case !p.isOld:
		return Present
	case !p.isNew:
		return Absent
	}
	return Changed
}

// partsOf returns the elements that a delta is about.
func partsOf(d *catalog.Delta) (out []part) {
	table := d.Name().String()
	switch {
	case d.Old != nil || d.New != nil:
		col := cmp.Or(d.New, d.Old)
		out = append(out, part{columnKey(d.OID, col.Attnum), table + "." + col.Name, col.Name, d.Old != nil, d.New != nil})
	case d.OldConstraint != nil || d.NewConstraint != nil:
		con := cmp.Or(d.NewConstraint, d.OldConstraint)
		out = append(out, part{constraintKey(d.OID, int64(con.ID)), table + "." + con.Name, con.Name, d.OldConstraint != nil, d.NewConstraint != nil})
	case d.OldIndex != nil || d.NewIndex != nil:
		x := cmp.Or(d.NewIndex, d.OldIndex)
		out = append(out, part{indexKey(d.OID, x.OID), x.Name.String(), x.Name.Name, d.OldIndex != nil, d.NewIndex != nil})
	case d.OldType != nil || d.NewType != nil:
		out = append(out, objectPart(cmp.Or(d.NewType, d.OldType).Name, d.OldType != nil, d.NewType != nil))
	case d.OldFunction != nil || d.NewFunction != nil:
		out = append(out, objectPart(cmp.Or(d.NewFunction, d.OldFunction).Name, d.OldFunction != nil, d.NewFunction != nil))
	case d.OldObject != nil || d.NewObject != nil:
		out = append(out, objectPart(cmp.Or(d.NewObject, d.OldObject).Name, d.OldObject != nil, d.NewObject != nil))
	case d.OID != 0:
		out = append(out, part{tableKey(d.OID), table, d.Name().Name, d.Before != nil, d.After != nil})
	}
	return out
}

func objectPart(n catalog.Name, isOld, isNew bool) part {
	return part{objectKey(n.Name), n.String(), n.Name, isOld, isNew}
}
