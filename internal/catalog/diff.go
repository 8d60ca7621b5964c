package catalog

import (
	"maps"
	"reflect"
	"slices"
)

// Diff gives the difference of two catalogs of which after was folded from
// before: what other sessions see of the span at once. It costs what was touched in between, not what there is. The order is that
// in which things were first touched.
//
// A created relation is one delta: its columns, constraints and indexes are
// part of it, as is the sequence of a serial column. The same goes for what a
// partition or child has from its parent when the parent's delta is there.
// What a dropped column takes along has deltas of its own.
func Diff(before, after *Catalog) []Delta {
	if before == after || before.journal == after.journal {
		return nil
	}
	d := &differ{before: before, after: after}
	for _, n := range touched(before.journal, after.journal) {
		switch n.kind {
		case touchedRelation:
			d.relation(n.oid)
		case touchedType:
			d.userType(n.oid)
		case touchedFunction:
			d.functions(n.name)
		case touchedObject:
			d.object(n.class, n.name)
		}
	}
	return d.out
}

// touched lists what two journals do not share, oldest first, each thing once.
func touched(a, b *entry) []entry {
	var undone, done []*entry
	for a != b {
		if a.length() >= b.length() {
			undone = append(undone, a)
			a = a.prev
		} else {
			done = append(done, b)
			b = b.prev
		}
	}
	seen := make(map[entry]bool, len(done)+len(undone))
	out := make([]entry, 0, len(done)+len(undone))
	for _, list := range [][]*entry{undone, done} {
		for i := len(list) - 1; i >= 0; i-- {
			key := entry{kind: list[i].kind, oid: list[i].oid, name: list[i].name, class: list[i].class}
			if !seen[key] {
				seen[key] = true
				out = append(out, key)
			}
		}
	}
	return out
}

// length is how many entries a journal has.
func (n *entry) length() int {
	if n == nil {
		return 0
	}
	return n.depth + 1
}

type differ struct {
	before, after *Catalog
	out           []Delta
}

func (d *differ) add(x Delta) { d.out = append(d.out, x) }

// created reports whether a relation came into being in the span. What was
// merely inferred before counts as not there.
func (d *differ) created(oid OID) bool {
	a := d.after.Relation(oid)
	if a == nil || a.Inferred {
		return false
	}
	b := d.before.Relation(oid)
	return b == nil || b.Inferred && a.Adopted && !b.Adopted
}

func (d *differ) dropped(oid OID) bool {
	return d.after.Relation(oid) == nil && d.before.Relation(oid) != nil
}

func relationKey(oid OID) string             { return "r" + itoa(int(oid)) }
func columnKey(oid OID, attnum int16) string { return relationKey(oid) + ".c" + itoa(int(attnum)) }
func constraintKey(oid, id OID) string       { return relationKey(oid) + ".k" + itoa(int(id)) }

// was is a relation before the span, with what the statements of the span let
// infer of it: it must have been there all the time.
func (d *differ) was(oid OID) *Relation {
	b := d.before.Relation(oid)
	guess, _ := d.after.guesses.get(oid)
	if old, _ := d.before.guesses.get(oid); guess == nil || guess == old {
		return b
	}
	if b == nil {
		return guess
	}
	next := *b
	for _, c := range guess.Columns {
		if c.Attnum >= b.NextAttnum {
			next.Columns = append(slices.Clip(next.Columns), c)
		}
	}
	return &next
}

func (d *differ) relation(oid OID) {
	b, a := d.was(oid), d.after.Relation(oid)
	switch {
	case b == a || b == nil && a == nil:
	case a != nil && b != nil && (a.Index == nil) != (b.Index == nil):
		// Its kind was a guess, and the wrong one.
	case a != nil && a.Index != nil || b != nil && b.Index != nil:
		d.index(oid, b, a)
	case b == nil && a.Inferred:
		// It was there all the time.
	case d.created(oid):
		if a.Kind == Sequence && a.Seq.OwnerTable != 0 && d.sequenceOfNew(a) {
			return
		}
		d.add(Delta{Kind: RelationCreated, OID: oid, After: a, Key: relationKey(oid)})
	case a == nil:
		if b.Kind == Sequence && b.Seq.OwnerTable != 0 && d.sequenceOfGone(b) {
			return
		}
		d.add(Delta{Kind: RelationDropped, OID: oid, Before: b, Key: relationKey(oid)})
	default:
		d.changed(oid, b, a)
	}
}

// sequenceOfNew reports a sequence that came with its table or column.
func (d *differ) sequenceOfNew(seq *Relation) bool {
	t := seq.Seq.OwnerTable
	if d.created(t) {
		return true
	}
	old := d.before.Relation(t)
	if old == nil {
		return false
	}
	c := old.Attr(seq.Seq.OwnerColumn)
	return c == nil || seq.Seq.Identity && c.Identity == ""
}

// sequenceOfGone reports a sequence that went with its table, column or
// identity.
func (d *differ) sequenceOfGone(seq *Relation) bool {
	t := d.after.Relation(seq.Seq.OwnerTable)
	if t == nil {
		return true
	}
	return t.Attr(seq.Seq.OwnerColumn) == nil || seq.Seq.Identity
}

// changed compares a relation that is there before and after.
func (d *differ) changed(oid OID, b, a *Relation) {
	base := Delta{OID: oid, Before: b, After: a, Key: relationKey(oid)}
	if b.Name != a.Name {
		x := base
		x.Kind = RelationRenamed
		d.add(x)
	}
	d.columns(base, b, a)
	d.constraints(base, b, a)
	d.partitions(base, b, a)
	d.triggers(base, b, a)
	d.policies(base, b, a)
	if a.View != nil && b.View != nil && a.View.Query != b.View.Query {
		x := base
		x.Kind = ViewReplaced
		d.add(x)
	}
	for _, w := range relationDetails(b, a) {
		x := base
		x.Kind, x.What, x.Key = RelationChanged, w, base.Key+"."+w
		d.add(x)
	}
	for _, g := range a.Grants {
		if !slices.Contains(b.Grants, g) {
			x := base
			x.Kind, x.Grant, x.Key = Granted, g, base.Key+".g"+g.Role+" "+g.Privilege
			d.add(x)
		}
	}
	for _, g := range b.Grants {
		if !slices.Contains(a.Grants, g) {
			x := base
			x.Kind, x.Grant, x.Key = Revoked, g, base.Key+".g"+g.Role+" "+g.Privilege
			d.add(x)
		}
	}
}

// relationDetails names what became different of the relation as a whole.
func relationDetails(b, a *Relation) []string {
	var out []string
	note := func(different bool, what string) {
		if different {
			out = append(out, what)
		}
	}
	note(b.Persistence != a.Persistence, "persistence")
	note(b.RLS != a.RLS, "row level security")
	note(b.ForceRLS != a.ForceRLS, "forced row level security")
	note(b.ReplicaIdentity != a.ReplicaIdentity, "replica identity")
	note(b.AccessMethod != a.AccessMethod, "access method")
	note(b.Tablespace != a.Tablespace, "tablespace")
	note(!maps.Equal(b.Options, a.Options), "options")
	note(b.OfType != a.OfType, "type")
	note(b.Owner != a.Owner, "owner")
	note(b.Comment != a.Comment, "comment")
	if b.Seq != nil && a.Seq != nil {
		note(b.Seq.Type != a.Seq.Type, "sequence type")
		note(b.Seq.OwnerTable != a.Seq.OwnerTable || b.Seq.OwnerColumn != a.Seq.OwnerColumn, "sequence owner")
	}
	if b.View != nil && a.View != nil {
		note(b.View.Filled != a.View.Filled, "data")
	}
	return out
}

// parentTells reports a table whose parent is there in both catalogs
// and was touched too: what is the same there is not said again.
func (d *differ) parentTells(a *Relation, tells func(b, a *Relation) bool) bool {
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

func (d *differ) columns(base Delta, b, a *Relation) {
	if slices.Equal(b.Columns, a.Columns) {
		return
	}
	for _, old := range b.Columns {
		if a.Attr(old.Attnum) == nil && !(old.Inferred && a.Adopted) {
			if old.Inherited && d.parentTells(a, func(pb, pa *Relation) bool {
				c := pb.Column(old.Name)
				return c != nil && pa.Attr(c.Attnum) == nil
			}) {
				continue
			}
			// An inferred column that was created has another number.
			if old.Inferred && a.Column(old.Name) != nil {
				continue
			}
			x := base
			x.Kind, x.Old, x.Key = ColumnDropped, old, columnKey(base.OID, old.Attnum)
			d.add(x)
		}
	}
	for _, c := range a.Columns {
		old := b.Attr(c.Attnum)
		if old == c {
			continue
		}
		x := base
		x.New, x.Key = c, columnKey(base.OID, c.Attnum)
		if old == nil {
			if c.Inferred {
				continue
			}
			if c.Inherited && d.parentTells(a, func(pb, pa *Relation) bool {
				p := pa.Column(c.Name)
				return p != nil && pb.Attr(p.Attnum) == nil
			}) {
				continue
			}
			x.Kind = ColumnAdded
			d.add(x)
			continue
		}
		x.Old = old
		d.column(x, old, c, a)
	}
}

// column compares a column that is there before and after.
func (d *differ) column(x Delta, old, c *Column, a *Relation) {
	inherited := c.Inherited && d.parentTells(a, func(pb, pa *Relation) bool {
		p := pa.Column(c.Name)
		if p == nil {
			return false
		}
		o := pb.Attr(p.Attnum)
		return o != nil && o != p
	})
	if inherited {
		return
	}
	note := func(different bool, kind DeltaKind) {
		if different {
			x.Kind = kind
			d.add(x)
		}
	}
	note(old.Name != c.Name, ColumnRenamed)
	note(!old.Type.Same(c.Type), ColumnTypeChanged)
	note(!old.NotNull && c.NotNull, ColumnSetNotNull)
	note(old.NotNull && !c.NotNull, ColumnDropNotNull)
	note(!sameDefault(old, c), ColumnDefaultChanged)
	note(old.Identity != c.Identity, ColumnIdentityChanged)
	note(old.Generated != c.Generated || !SameExpr(old.GeneratedExpr, c.GeneratedExpr) && old.Name == c.Name && !renamedSource(old, c), ColumnGeneratedChanged)
	detail := func(different bool, what string) {
		if different {
			y := x
			y.Kind, y.What, y.Key = ColumnChanged, what, x.Key+"."+what
			d.add(y)
		}
	}
	detail(old.Collation != c.Collation, "collation")
	detail(old.Storage != c.Storage, "storage")
	detail(old.Compression != c.Compression, "compression")
	detail(old.Comment != c.Comment, "comment")
	detail(old.NotNullInvalid && !c.NotNullInvalid && c.NotNull, "not null validated")
}

// renamedSource reports a generation expression that differs only because a
// column that it reads was renamed: it reads the same columns.
func renamedSource(old, c *Column) bool {
	return old.Generated == c.Generated && old.GeneratedExpr != nil && c.GeneratedExpr != nil &&
		slices.Equal(old.GeneratedFrom, c.GeneratedFrom) && len(old.GeneratedFrom) > 0 &&
		!slices.Equal(ColumnsIn(old.GeneratedExpr), ColumnsIn(c.GeneratedExpr))
}

func sameDefault(old, c *Column) bool {
	if (old.Sequence != 0) != (c.Sequence != 0) && old.Default != c.Default {
		return false
	}
	return SameExpr(old.Default, c.Default)
}

func (d *differ) constraints(base Delta, b, a *Relation) {
	if slices.Equal(b.Constraints, a.Constraints) {
		return
	}
	find := func(r *Relation, id OID) *Constraint {
		for _, c := range r.Constraints {
			if c.ID == id {
				return c
			}
		}
		return nil
	}
	for _, old := range b.Constraints {
		if find(a, old.ID) != nil {
			continue
		}
		if old.Parent && d.parentTells(a, func(pb, pa *Relation) bool { return fewerConstraints(pb, pa, old.Kind) }) {
			continue
		}
		if old.Kind == NotNullConstraint && len(old.Columns) == 1 {
			if c := b.Attr(old.Columns[0]); c != nil && (a.Attr(c.Attnum) == nil || !a.Attr(c.Attnum).NotNull) {
				continue // told by the column
			}
		}
		x := base
		x.Kind, x.OldConstraint, x.Key = ConstraintDropped, old, constraintKey(base.OID, old.ID)
		x.OldIndex, x.Other = d.before.Relation(old.Index), d.before.Relation(old.Ref)
		d.add(x)
	}
	for _, c := range a.Constraints {
		old := find(b, c.ID)
		if old == c {
			continue
		}
		x := base
		x.NewConstraint, x.Key, x.NewIndex, x.Other = c, constraintKey(base.OID, c.ID), d.after.Relation(c.Index), d.after.Relation(c.Ref)
		if old == nil {
			if c.Parent && d.parentTells(a, func(pb, pa *Relation) bool { return fewerConstraints(pa, pb, c.Kind) }) {
				continue
			}
			if c.Kind == NotNullConstraint && len(c.Columns) == 1 {
				if o := b.Attr(c.Columns[0]); o == nil || !o.NotNull {
					continue // told by the column
				}
			}
			x.Kind = ConstraintAdded
			d.add(x)
			continue
		}
		x.OldConstraint, x.OldIndex = old, d.before.Relation(old.Index)
		if old.Name != c.Name {
			x.Kind = ConstraintRenamed
			d.add(x)
		}
		switch {
		case c.Parent && d.parentTells(a, func(pb, pa *Relation) bool { return !slices.Equal(pb.Constraints, pa.Constraints) }):
		case !old.Valid && c.Valid && c.Enforced == old.Enforced:
			x.Kind = ConstraintValidated
			d.add(x)
		case old.Enforced != c.Enforced || old.Deferrable != c.Deferrable || old.InitiallyDeferred != c.InitiallyDeferred || old.NoInherit != c.NoInherit:
			x.Kind = ConstraintChanged
			d.add(x)
		}
	}
}

// fewerConstraints reports whether b has fewer constraints of a kind than a.
func fewerConstraints(a, b *Relation, kind ConstraintKind) bool {
	n := 0
	for _, c := range a.Constraints {
		if c.Kind == kind {
			n++
		}
	}
	for _, c := range b.Constraints {
		if c.Kind == kind {
			n--
		}
	}
	return n > 0
}

// index compares an index. Those of constraints are told by the constraint,
// those of new and dropped tables by the table, parts of partitioned indexes
// by the partitioned one.
func (d *differ) index(oid OID, b, a *Relation) {
	x := Delta{OldIndex: b, NewIndex: a, Key: relationKey(oid)}
	switch {
	case b == nil || a != nil && b.Inferred && !a.Inferred:
		i := a.Index
		if a.Inferred || d.created(i.Table) || i.Constraint != "" || d.after.Relation(i.Table) == nil || i.Parent != 0 && d.created(i.Parent) {
			return
		}
		x.Kind = IndexCreated
	case a == nil:
		i := b.Index
		if d.dropped(i.Table) || i.Constraint != "" || i.Parent != 0 && d.dropped(i.Parent) {
			return
		}
		x.Kind = IndexDropped
	default:
		d.indexChanged(x, b, a)
		return
	}
	d.onTable(&x)
	d.add(x)
}

// onTable sets the table of an index.
func (d *differ) onTable(x *Delta) {
	i := x.NewIndex
	if i == nil {
		i = x.OldIndex
	}
	x.OID = i.Index.Table
	x.Before, x.After = d.before.Relation(x.OID), d.after.Relation(x.OID)
}

func (d *differ) indexChanged(x Delta, b, a *Relation) {
	d.onTable(&x)
	if d.created(x.OID) {
		return
	}
	if b.Name != a.Name && a.Index.Constraint == "" {
		x.Kind = IndexRenamed
		d.add(x)
	} else if b.Name.Schema == a.Name.Schema && b.Name != a.Name && b.Index.Constraint == "" {
		// It became a constraint's and took that one's name.
		x.Kind = IndexRenamed
		d.add(x)
	}
	var what []string
	if b.Index.Valid != a.Index.Valid {
		what = append(what, "valid")
	}
	if b.Index.Clustered != a.Index.Clustered {
		what = append(what, "clustered")
	}
	detached := x.Before != nil && x.After != nil && x.Before.Parent != x.After.Parent
	if b.Index.Parent != a.Index.Parent && !detached && !d.dropped(b.Index.Parent) && !d.created(a.Index.Parent) {
		what = append(what, "partition of")
	}
	for _, w := range relationDetails(b, a) {
		if w == "options" || w == "tablespace" || w == "comment" {
			what = append(what, w)
		}
	}
	for _, w := range what {
		y := x
		y.Kind, y.What, y.Key = IndexChanged, w, x.Key+"."+w
		d.add(y)
	}
}

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
		if !slices.Contains(a.Rules, r) {
			x := base
			x.Kind, x.What, x.Key = RuleDropped, r, base.Key+".u"+r
			d.add(x)
		}
	}
	for _, r := range a.Rules {
		if !slices.Contains(b.Rules, r) {
			x := base
			x.Kind, x.What, x.Key = RuleCreated, r, base.Key+".u"+r
			d.add(x)
		}
	}
}
