package catalog

import (
	"reflect"
	"slices"
)

// compareType adds the deltas of a user-defined type.
func (d *catalogDiff) compareType(oid OID) {
	b, a := d.before.Type(oid), d.after.Type(oid)
	x := Delta{OldType: b, NewType: a, Key: "t" + itoa(int(oid))}
	switch {
	case b == a || b == nil && a == nil:
	case b == nil && a.Inferred:
		// It existed before, without the changes that statements made since.
		old := &UserType{OID: oid, Name: a.Called, Kind: a.Kind, Labels: a.Labels, Base: a.Base, Default: a.Default, Inferred: true, Called: a.Called}
		x.OldType = old
		d.addTypeChanges(x, old, a)
	case b == nil || a != nil && b.Inferred && !a.Inferred:
		x.Kind = TypeCreated
		d.addDelta(x)
	case a == nil:
		x.Kind = TypeDropped
		d.addDelta(x)
	default:
		d.addTypeChanges(x, b, a)
	}
}

func (d *catalogDiff) addTypeChanges(x Delta, b, a *UserType) {
	if b.Name != a.Name {
		x.Kind = TypeRenamed
		d.addDelta(x)
	}
	d.compareLabels(x, b, a)
	if a.Kind != Domain && b.Kind != Domain {
		return
	}
	change := ""
	switch {
	case !b.NotNull && a.NotNull:
		change = "is now NOT NULL"
	case b.NotNull && !a.NotNull:
		change = "may be null"
	case !SameExpr(b.Default, a.Default):
		change = "default"
	}
	if change != "" {
		d.addDomainChange(x, change)
	}
	for _, c := range a.Checks {
		i := slices.IndexFunc(b.Checks, func(o *Constraint) bool { return o.ID == c.ID })
		switch {
		case i < 0:
			d.addDomainChange(x, "adds check "+c.Name)
		case b.Checks[i].Name != c.Name:
			d.addDomainChange(x, "check "+b.Checks[i].Name+" is now "+c.Name)
		case !b.Checks[i].Valid && c.Valid:
			d.addDomainChange(x, "validates check "+c.Name)
		}
	}
	for _, c := range b.Checks {
		if !slices.ContainsFunc(a.Checks, func(o *Constraint) bool { return o.ID == c.ID }) {
			d.addDomainChange(x, "drops check "+c.Name)
		}
	}
}

func (d *catalogDiff) addDomainChange(x Delta, change string) {
	x.Kind, x.What, x.Key = DomainChanged, change, x.Key+"."+change
	d.addDelta(x)
}

// compareLabels compares the labels of an enum. A renamed label is in the place of the old one.
func (d *catalogDiff) compareLabels(x Delta, b, a *UserType) {
	before, after := trimCommon(b.Labels, a.Labels)
	if len(before) == 0 && len(after) == 0 {
		return
	}
	label := func(l string) string { return l }
	oldOf, newOf := newFinder(before, label), newFinder(after, label)
	before = slices.DeleteFunc(slices.Clone(before), func(l string) bool { return newOf(l) != "" })
	after = slices.DeleteFunc(slices.Clone(after), func(l string) bool { return oldOf(l) != "" })
	renamed := map[string]bool{}
	if len(before) > 0 {
		// A label between the old label's neighbours is its new name.
		old, now := findLabelGaps(b.Labels, a.Labels), findLabelGaps(a.Labels, b.Labels)
		labelsByGap := map[gap][]string{}
		for _, l := range after {
			labelsByGap[now[l]] = append(labelsByGap[now[l]], l)
		}
		for _, l := range before {
			next := ""
			if list := labelsByGap[old[l]]; len(list) > 0 {
				next, labelsByGap[old[l]] = list[0], list[1:]
				renamed[next] = true
			}
			y := x
			y.Kind, y.What, y.Key = EnumValueRenamed, l+" → "+next, x.Key+".l"+l
			d.addDelta(y)
		}
	}
	for _, l := range after {
		if !renamed[l] {
			y := x
			y.Kind, y.What, y.Key = EnumValueAdded, l, x.Key+".l"+l
			d.addDelta(y)
		}
	}
}

// gap is a place among the labels of an enum: the nearest ones on both sides that
// another enum has too, "" at the ends.
type gap struct{ left, right string }

// findLabelGaps are the places of the labels that the other enum does not have.
func findLabelGaps(labels, other []string) map[string]gap {
	shared := make(map[string]bool, len(other))
	for _, l := range other {
		shared[l] = true
	}
	out := map[string]gap{}
	neighbor := ""
	for _, l := range labels {
		if shared[l] {
			neighbor = l
		} else {
			out[l] = gap{left: neighbor}
		}
	}
	neighbor = ""
	for _, l := range slices.Backward(labels) {
		if shared[l] {
			neighbor = l
		} else {
			out[l] = gap{out[l].left, neighbor}
		}
	}
	return out
}

func (d *catalogDiff) compareFunctions(name Name) {
	b, _ := d.before.functions.get(name)
	a, _ := d.after.functions.get(name)
	before, after := trimCommon(b, a)
	id := func(f *Function) OID { return f.OID }
	oldOf, newOf := newFinder(before, id), newFinder(after, id)
	for _, old := range before {
		if newOf(old.OID) != nil {
			continue
		}
		if d.existsUnderOtherName(d.after, old.OID, name) {
			continue // told as renamed
		}
		d.addDelta(Delta{Kind: FunctionDropped, OldFunction: old, Key: "f" + itoa(int(old.OID))})
	}
	for _, fn := range after {
		old := oldOf(fn.OID)
		x := Delta{Kind: FunctionCreated, NewFunction: fn, Key: "f" + itoa(int(fn.OID))}
		switch {
		case old == nil:
			if old := d.findRenamedFunction(fn.OID); old != nil {
				x.Kind, x.OldFunction = FunctionRenamed, old
			}
		case old == fn || isSameFunction(old, fn):
			continue
		default:
			x.Kind, x.OldFunction = FunctionReplaced, old
		}
		d.addDelta(x)
	}
}

// findRenamedFunction finds a function that had another name before.
func (d *catalogDiff) findRenamedFunction(oid OID) *Function {
	if oid >= d.before.next {
		return nil
	}
	for _, n := range listTouchedEntries(nil, d.before.journal, d.after.journal) {
		if n.kind != touchedFunction {
			continue
		}
		list, _ := d.before.functions.get(n.name)
		for _, f := range list {
			if f.OID == oid {
				return f
			}
		}
	}
	return nil
}

func (d *catalogDiff) existsUnderOtherName(c *Catalog, oid OID, not Name) bool {
	for _, n := range listTouchedEntries(nil, d.before.journal, d.after.journal) {
		if n.kind != touchedFunction || n.name == not {
			continue
		}
		list, _ := c.functions.get(n.name)
		if slices.ContainsFunc(list, func(f *Function) bool { return f.OID == oid }) {
			return true
		}
	}
	return false
}

func (d *catalogDiff) compareObject(kind string, name Name) {
	b, a := d.before.Object(kind, name), d.after.Object(kind, name)
	x := Delta{OldObject: b, NewObject: a, Key: kind + " " + name.Qualified(), What: kind}
	switch {
	case b == a || b == nil && a == nil:
		return
	case b == nil:
		x.Kind = ObjectCreated
	case a == nil:
		if d.isDropped(b.Table) {
			return
		}
		x.Kind = ObjectDropped
	case reflect.DeepEqual(b, a):
		return
	default:
		x.Kind = ObjectChanged
	}
	d.addDelta(x)
}

// isSameFunction reports whether two definitions are one, however they are
// written. Who may execute it is none of its definition.
func isSameFunction(a, b *Function) bool {
	x, y := *a, *b
	x.Source, y.Source = "", ""
	x.Closed, y.Closed, x.Grants, y.Grants, x.Taken, y.Taken = false, false, nil, nil, nil, nil
	return reflect.DeepEqual(&x, &y)
}
