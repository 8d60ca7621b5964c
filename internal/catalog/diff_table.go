package catalog

import (
	"reflect"
	"slices"
)

// comparePartitions adds the deltas of a relation's partitions and parents, b before and a after.
func (d *catalogDiff) comparePartitions(base Delta, b, a *Relation) {
	before, after := trimCommon(b.Partitions, a.Partitions)
	identity := func(oid OID) OID { return oid }
	oldOf, newOf := newFinder(before, identity), newFinder(after, identity)
	for _, oid := range after {
		if oldOf(oid) == 0 && !d.isCreated(oid) {
			x := base
			x.Kind, x.Other, x.Key = PartitionAttached, d.after.Relation(oid), base.Key+".p"+itoa(int(oid))
			d.addDelta(x)
		}
	}
	for _, oid := range before {
		if newOf(oid) == 0 && !d.isDropped(oid) {
			x := base
			x.Kind, x.Other, x.Key = PartitionDetached, d.after.Relation(oid), base.Key+".p"+itoa(int(oid))
			d.addDelta(x)
		}
	}
	for _, pair := range [][2][]OID{{b.Inherits, a.Inherits}, {a.Inherits, b.Inherits}} {
		for _, oid := range pair[1] {
			if !slices.Contains(pair[0], oid) && !d.isDropped(oid) {
				x := base
				x.Kind, x.Other, x.Key = InheritanceChanged, d.after.Relation(oid), base.Key+".i"+itoa(int(oid))
				d.addDelta(x)
			}
		}
	}
}

func (d *catalogDiff) compareTriggers(base Delta, b, a *Relation) {
	before, after := trimCommon(b.Triggers, a.Triggers)
	id := func(t *Trigger) OID { return t.ID }
	oldOf, newOf := newFinder(before, id), newFinder(after, id)
	differs := func(pb, pa *Relation) bool { return !slices.Equal(pb.Triggers, pa.Triggers) }
	for _, old := range before {
		if newOf(old.ID) == nil && !(old.Parent && d.parentHasChange(a, differs)) {
			x := base
			x.Kind, x.OldTrigger, x.Key = TriggerDropped, old, base.Key+".t"+itoa(int(old.ID))
			d.addDelta(x)
		}
	}
	for _, t := range after {
		old := oldOf(t.ID)
		if old == t || t.Parent && d.parentHasChange(a, differs) {
			continue
		}
		x := base
		x.Kind, x.OldTrigger, x.NewTrigger, x.Key = TriggerChanged, old, t, base.Key+".t"+itoa(int(t.ID))
		if old == nil {
			x.Kind = TriggerCreated
		} else if isSameTrigger(old, t) {
			continue
		}
		d.addDelta(x)
	}
}

// isSameTrigger reports whether two definitions are one, however they are written.
func isSameTrigger(a, b *Trigger) bool {
	x, y := *a, *b
	x.Source, y.Source = "", ""
	return reflect.DeepEqual(&x, &y)
}

func (d *catalogDiff) comparePolicies(base Delta, b, a *Relation) {
	before, after := trimCommon(b.Policies, a.Policies)
	id := func(p *Policy) OID { return p.ID }
	oldOf, newOf := newFinder(before, id), newFinder(after, id)
	for _, old := range before {
		if newOf(old.ID) == nil {
			x := base
			x.Kind, x.Policy, x.What, x.Key = PolicyDropped, old, old.Name, base.Key+".y"+itoa(int(old.ID))
			d.addDelta(x)
		}
	}
	for _, p := range after {
		old := oldOf(p.ID)
		if old == p {
			continue
		}
		x := base
		x.Kind, x.Policy, x.What, x.Key = PolicyCreated, p, p.Name, base.Key+".y"+itoa(int(p.ID))
		if old != nil {
			x.Kind = PolicyChanged
		}
		d.addDelta(x)
	}
}

func (d *catalogDiff) compareRules(base Delta, b, a *Relation) {
	before, after := trimCommon(b.Rules, a.Rules)
	name := func(r *Rule) string { return r.Name }
	oldOf, newOf := newFinder(before, name), newFinder(after, name)
	for _, r := range before {
		if newOf(r.Name) == nil {
			x := base
			x.Kind, x.What, x.Key = RuleDropped, r.Name, base.Key+".u"+r.Name
			d.addDelta(x)
		}
	}
	for _, r := range after {
		x := base
		x.Kind, x.What, x.Key = RuleCreated, r.Name, base.Key+".u"+r.Name
		if old := oldOf(r.Name); old != nil {
			x.Kind = RuleChanged
			if old.Disabled == r.Disabled {
				continue
			}
		}
		d.addDelta(x)
	}
}

func (d *catalogDiff) compareGrants(base Delta, b, a *Relation) {
	before, after := trimCommon(b.Grants, a.Grants)
	before, after = spellOutAll(before, after)
	identity := func(g Grant) Grant { return g }
	oldOf, newOf := newFinder(before, identity), newFinder(after, identity)
	for _, g := range after {
		if oldOf(g) == (Grant{}) {
			x := base
			x.Kind, x.Grant, x.Key = Granted, g, base.Key+".g"+g.Role+" "+g.Privilege
			d.addDelta(x)
		}
	}
	for _, g := range before {
		if newOf(g) == (Grant{}) {
			x := base
			x.Kind, x.Grant, x.Key = Revoked, g, base.Key+".g"+g.Role+" "+g.Privilege
			d.addDelta(x)
		}
	}
}
