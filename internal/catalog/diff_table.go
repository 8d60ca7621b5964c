package catalog

import (
	"reflect"
	"slices"
)

func (d *catalogDiff) comparePartitions(base Delta, b, a *Relation) {
	gone, came := trimCommon(b.Partitions, a.Partitions)
	self := func(oid OID) OID { return oid }
	oldOf, newOf := newFinder(gone, self), newFinder(came, self)
	for _, oid := range came {
		if oldOf(oid) == 0 && !d.isCreated(oid) {
			x := base
			x.Kind, x.Other, x.Key = PartitionAttached, d.after.Relation(oid), base.Key+".p"+itoa(int(oid))
			d.addDelta(x)
		}
	}
	for _, oid := range gone {
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
	gone, came := trimCommon(b.Triggers, a.Triggers)
	id := func(t *Trigger) OID { return t.ID }
	oldOf, newOf := newFinder(gone, id), newFinder(came, id)
	differs := func(pb, pa *Relation) bool { return !slices.Equal(pb.Triggers, pa.Triggers) }
	for _, old := range gone {
		if newOf(old.ID) == nil && !(old.Parent && d.parentTells(a, differs)) {
			x := base
			x.Kind, x.OldTrigger, x.Key = TriggerDropped, old, base.Key+".t"+itoa(int(old.ID))
			d.addDelta(x)
		}
	}
	for _, t := range came {
		old := oldOf(t.ID)
		if old == t || t.Parent && d.parentTells(a, differs) {
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
	gone, came := trimCommon(b.Policies, a.Policies)
	id := func(p *Policy) OID { return p.ID }
	oldOf, newOf := newFinder(gone, id), newFinder(came, id)
	for _, old := range gone {
		if newOf(old.ID) == nil {
			x := base
			x.Kind, x.Policy, x.What, x.Key = PolicyDropped, old, old.Name, base.Key+".y"+itoa(int(old.ID))
			d.addDelta(x)
		}
	}
	for _, p := range came {
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
	gone, came := trimCommon(b.Rules, a.Rules)
	name := func(r *Rule) string { return r.Name }
	oldOf, newOf := newFinder(gone, name), newFinder(came, name)
	for _, r := range gone {
		if newOf(r.Name) == nil {
			x := base
			x.Kind, x.What, x.Key = RuleDropped, r.Name, base.Key+".u"+r.Name
			d.addDelta(x)
		}
	}
	for _, r := range came {
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
	gone, came := trimCommon(b.Grants, a.Grants)
	gone, came = spellOutAll(gone, came)
	self := func(g Grant) Grant { return g }
	oldOf, newOf := newFinder(gone, self), newFinder(came, self)
	for _, g := range came {
		if oldOf(g) == (Grant{}) {
			x := base
			x.Kind, x.Grant, x.Key = Granted, g, base.Key+".g"+g.Role+" "+g.Privilege
			d.addDelta(x)
		}
	}
	for _, g := range gone {
		if newOf(g) == (Grant{}) {
			x := base
			x.Kind, x.Grant, x.Key = Revoked, g, base.Key+".g"+g.Role+" "+g.Privilege
			d.addDelta(x)
		}
	}
}
