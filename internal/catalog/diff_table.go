package catalog

import (
	"reflect"
	"slices"
)

func (d *differ) partitions(base Delta, b, a *Relation) {
	for _, oid := range a.Partitions {
		if !slices.Contains(b.Partitions, oid) && !d.created(oid) {
			x := base
			x.Kind, x.Other, x.Key = PartitionAttached, d.after.Relation(oid), base.Key+".p"+itoa(int(oid))
			d.add(x)
		}
	}
	for _, oid := range b.Partitions {
		if !slices.Contains(a.Partitions, oid) && !d.dropped(oid) {
			x := base
			x.Kind, x.Other, x.Key = PartitionDetached, d.after.Relation(oid), base.Key+".p"+itoa(int(oid))
			d.add(x)
		}
	}
	for _, pair := range [][2][]OID{{b.Inherits, a.Inherits}, {a.Inherits, b.Inherits}} {
		for _, oid := range pair[1] {
			if !slices.Contains(pair[0], oid) && !d.dropped(oid) {
				x := base
				x.Kind, x.Other, x.Key = InheritanceChanged, d.after.Relation(oid), base.Key+".i"+itoa(int(oid))
				d.add(x)
			}
		}
	}
}

func (d *differ) triggers(base Delta, b, a *Relation) {
	if slices.Equal(b.Triggers, a.Triggers) {
		return
	}
	find := func(r *Relation, id OID) *Trigger {
		i := slices.IndexFunc(r.Triggers, func(t *Trigger) bool { return t.ID == id })
		if i < 0 {
			return nil
		}
		return r.Triggers[i]
	}
	differs := func(pb, pa *Relation) bool { return !slices.Equal(pb.Triggers, pa.Triggers) }
	for _, old := range b.Triggers {
		if find(a, old.ID) == nil && !(old.Parent && d.parentTells(a, differs)) {
			x := base
			x.Kind, x.OldTrigger, x.Key = TriggerDropped, old, base.Key+".t"+itoa(int(old.ID))
			d.add(x)
		}
	}
	for _, t := range a.Triggers {
		old := find(b, t.ID)
		if old == t || t.Parent && d.parentTells(a, differs) {
			continue
		}
		x := base
		x.Kind, x.OldTrigger, x.NewTrigger, x.Key = TriggerChanged, old, t, base.Key+".t"+itoa(int(t.ID))
		if old == nil {
			x.Kind = TriggerCreated
		} else if reflect.DeepEqual(old, t) {
			continue
		}
		d.add(x)
	}
}

func (d *differ) policies(base Delta, b, a *Relation) {
	for _, old := range b.Policies {
		if !slices.ContainsFunc(a.Policies, func(p *Policy) bool { return p.ID == old.ID }) {
			x := base
			x.Kind, x.Policy, x.What, x.Key = PolicyDropped, old, old.Name, base.Key+".y"+itoa(int(old.ID))
			d.add(x)
		}
	}
	for _, p := range a.Policies {
		i := slices.IndexFunc(b.Policies, func(o *Policy) bool { return o.ID == p.ID })
		if i >= 0 && b.Policies[i] == p {
			continue
		}
		x := base
		x.Kind, x.Policy, x.What, x.Key = PolicyCreated, p, p.Name, base.Key+".y"+itoa(int(p.ID))
		if i >= 0 {
			x.Kind = PolicyChanged
		}
		d.add(x)
	}
	for _, r := range b.Rules {
		if a.Rule(r.Name) == nil {
			x := base
			x.Kind, x.What, x.Key = RuleDropped, r.Name, base.Key+".u"+r.Name
			d.add(x)
		}
	}
	for _, r := range a.Rules {
		if b.Rule(r.Name) == nil {
			x := base
			x.Kind, x.What, x.Key = RuleCreated, r.Name, base.Key+".u"+r.Name
			d.add(x)
		}
	}
}
