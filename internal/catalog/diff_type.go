package catalog

import (
	"reflect"
	"slices"
)

func (d *differ) userType(oid OID) {
	b, a := d.before.Type(oid), d.after.Type(oid)
	x := Delta{OldType: b, NewType: a, Key: "t" + itoa(int(oid))}
	switch {
	case b == a || b == nil && a == nil || b == nil && a.Inferred:
	case b == nil || a != nil && b.Inferred && !a.Inferred:
		x.Kind = TypeCreated
		d.add(x)
	case a == nil:
		x.Kind = TypeDropped
		d.add(x)
	default:
		d.typeChanged(x, b, a)
	}
}

func (d *differ) typeChanged(x Delta, b, a *UserType) {
	if b.Name != a.Name {
		x.Kind = TypeRenamed
		d.add(x)
	}
	d.labels(x, b, a)
	if a.Kind != Domain && b.Kind != Domain {
		return
	}
	what := ""
	switch {
	case !b.NotNull && a.NotNull:
		what = "must not be null"
	case b.NotNull && !a.NotNull:
		what = "may be null"
	case !SameExpr(b.Default, a.Default):
		what = "default"
	}
	if what != "" {
		d.domain(x, what)
	}
	for _, c := range a.Checks {
		i := slices.IndexFunc(b.Checks, func(o *Constraint) bool { return o.ID == c.ID })
		switch {
		case i < 0:
			d.domain(x, "adds check "+c.Name)
		case b.Checks[i].Name != c.Name:
			d.domain(x, "check "+b.Checks[i].Name+" is now "+c.Name)
		case !b.Checks[i].Valid && c.Valid:
			d.domain(x, "validates check "+c.Name)
		}
	}
	for _, c := range b.Checks {
		if !slices.ContainsFunc(a.Checks, func(o *Constraint) bool { return o.ID == c.ID }) {
			d.domain(x, "drops check "+c.Name)
		}
	}
}

func (d *differ) domain(x Delta, what string) {
	x.Kind, x.What, x.Key = DomainChanged, what, x.Key+"."+what
	d.add(x)
}

// labels compares an enum's labels: a renamed one stands where the old stood.
func (d *differ) labels(x Delta, b, a *UserType) {
	if slices.Equal(b.Labels, a.Labels) {
		return
	}
	var gone, added []string
	for _, l := range b.Labels {
		if !slices.Contains(a.Labels, l) {
			gone = append(gone, l)
		}
	}
	for _, l := range a.Labels {
		if !slices.Contains(b.Labels, l) {
			added = append(added, l)
		}
	}
	for _, old := range gone {
		next := ""
		// What follows the old label's neighbours is its new name.
		i := slices.Index(b.Labels, old)
		for j, l := range a.Labels {
			if slices.Contains(added, l) && neighbours(a.Labels, j, -1, b.Labels) == neighbours(b.Labels, i, -1, a.Labels) &&
				neighbours(a.Labels, j, 1, b.Labels) == neighbours(b.Labels, i, 1, a.Labels) {
				next = l
				break
			}
		}
		if next != "" {
			added = slices.DeleteFunc(added, func(l string) bool { return l == next })
		}
		y := x
		y.Kind, y.What, y.Key = EnumValueRenamed, old+" → "+next, x.Key+".l"+old
		d.add(y)
	}
	for _, l := range added {
		y := x
		y.Kind, y.What, y.Key = EnumValueAdded, l, x.Key+".l"+l
		d.add(y)
	}
}

// neighbours finds the nearest label in a direction that the other enum has
// too.
func neighbours(labels []string, i, step int, other []string) string {
	for i += step; i >= 0 && i < len(labels); i += step {
		if slices.Contains(other, labels[i]) {
			return labels[i]
		}
	}
	return ""
}

func (d *differ) functions(name Name) {
	b, _ := d.before.functions.get(name)
	a, _ := d.after.functions.get(name)
	for _, old := range b {
		if slices.ContainsFunc(a, func(f *Function) bool { return f.OID == old.OID }) {
			continue
		}
		if d.functionElsewhere(d.after, old.OID, name) {
			continue // told as renamed
		}
		d.add(Delta{Kind: FunctionDropped, OldFunction: old, Key: "f" + itoa(int(old.OID))})
	}
	for _, fn := range a {
		i := slices.IndexFunc(b, func(f *Function) bool { return f.OID == fn.OID })
		x := Delta{Kind: FunctionCreated, NewFunction: fn, Key: "f" + itoa(int(fn.OID))}
		switch {
		case i < 0:
			if old := d.functionBefore(fn.OID); old != nil {
				x.Kind, x.OldFunction = FunctionRenamed, old
			}
		case b[i] == fn || sameFunction(b[i], fn):
			continue
		default:
			x.Kind, x.OldFunction = FunctionReplaced, b[i]
		}
		d.add(x)
	}
}

// functionBefore finds a function that had another name before.
func (d *differ) functionBefore(oid OID) *Function {
	if oid >= d.before.next {
		return nil
	}
	for _, n := range touched(nil, d.before.journal, d.after.journal) {
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

func (d *differ) functionElsewhere(c *Catalog, oid OID, not Name) bool {
	for _, n := range touched(nil, d.before.journal, d.after.journal) {
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

func (d *differ) object(kind string, name Name) {
	b, a := d.before.Object(kind, name), d.after.Object(kind, name)
	x := Delta{OldObject: b, NewObject: a, Key: kind + " " + name.Qualified(), What: kind}
	switch {
	case b == a || b == nil && a == nil:
		return
	case b == nil:
		x.Kind = ObjectCreated
	case a == nil:
		if d.dropped(b.Table) {
			return
		}
		x.Kind = ObjectDropped
	case reflect.DeepEqual(b, a):
		return
	default:
		x.Kind = ObjectChanged
	}
	d.add(x)
}

// sameFunction reports whether two definitions are one, however they are
// written. Who may execute it is none of its definition.
func sameFunction(a, b *Function) bool {
	x, y := *a, *b
	x.Source, y.Source = "", ""
	x.Closed, y.Closed, x.Grants, y.Grants = false, false, nil, nil
	return reflect.DeepEqual(&x, &y)
}
