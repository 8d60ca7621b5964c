package catalog

import "slices"

// compareConstraints adds the deltas of the constraints of a relation, b before and a after.
func (d *catalogDiff) compareConstraints(base Delta, b, a *Relation) {
	before, after := trimCommon(b.Constraints, a.Constraints)
	id := func(c *Constraint) OID { return c.ID }
	oldOf, newOf := newFinder(before, id), newFinder(after, id)
	for _, old := range before {
		if newOf(old.ID) != nil {
			continue
		}
		if old.Parent && d.parentHasChange(a, func(pb, pa *Relation) bool { return hasMoreConstraints(pb, pa, old.Kind) }) {
			continue
		}
		if old.Kind == NotNullConstraint && len(old.Columns) == 1 {
			if c := b.Attr(old.Columns[0]); c != nil && (a.Attr(c.Attnum) == nil || !a.Attr(c.Attnum).NotNull) {
				continue // the delta of the column reports it
			}
		}
		x := base
		x.Kind, x.OldConstraint, x.Key = ConstraintDropped, old, constraintKey(base.OID, old.ID)
		x.OldIndex, x.Other = d.before.Relation(old.Index), d.before.Relation(old.Ref)
		d.addDelta(x)
	}
	for _, c := range after {
		old := oldOf(c.ID)
		if old == c {
			continue
		}
		x := base
		x.NewConstraint, x.Key, x.NewIndex, x.Other = c, constraintKey(base.OID, c.ID), d.after.Relation(c.Index), d.after.Relation(c.Ref)
		if old == nil {
			if c.Parent && d.parentHasChange(a, func(pb, pa *Relation) bool { return hasMoreConstraints(pa, pb, c.Kind) }) {
				continue
			}
			if c.Kind == NotNullConstraint && len(c.Columns) == 1 {
				if o := b.Attr(c.Columns[0]); o == nil || !o.NotNull {
					continue // the delta of the column reports it
				}
			}
			x.Kind = ConstraintAdded
			d.addDelta(x)
			continue
		}
		x.OldConstraint, x.OldIndex = old, d.before.Relation(old.Index)
		if old.Name != c.Name {
			x.Kind = ConstraintRenamed
			d.addDelta(x)
		}
		switch {
		case c.Parent && d.parentHasChange(a, func(pb, pa *Relation) bool { return !slices.Equal(pb.Constraints, pa.Constraints) }):
		case !old.Valid && c.Valid && c.Enforced == old.Enforced:
			x.Kind = ConstraintValidated
			d.addDelta(x)
		case old.Enforced != c.Enforced || old.Deferrable != c.Deferrable || old.InitiallyDeferred != c.InitiallyDeferred || old.NoInherit != c.NoInherit:
			x.Kind = ConstraintChanged
			d.addDelta(x)
		}
	}
}

// hasMoreConstraints reports whether b has fewer constraints of a kind than a.
func hasMoreConstraints(a, b *Relation, kind ConstraintKind) bool {
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

// compareIndex compares an index. The indexes of constraints are reported with the constraint,
// the indexes of new and dropped tables with the table, and parts of partitioned indexes
// with the partitioned index.
func (d *catalogDiff) compareIndex(oid OID, b, a *Relation) {
	x := Delta{OldIndex: b, NewIndex: a, Key: relationKey(oid)}
	switch {
	case b == nil || a != nil && b.Inferred && !a.Inferred:
		i := a.Index
		if a.Inferred || d.isCreated(i.Table) || i.Constraint != "" || d.after.Relation(i.Table) == nil || i.Parent != 0 && d.isCreated(i.Parent) {
			return
		}
		x.Kind = IndexCreated
	case a == nil:
		i := b.Index
		if d.isDropped(i.Table) || i.Constraint != "" || i.Parent != 0 && d.isDropped(i.Parent) {
			return
		}
		x.Kind = IndexDropped
	default:
		d.addIndexChanges(x, b, a)
		return
	}
	d.setIndexTable(&x)
	d.addDelta(x)
}

// setIndexTable sets the table of an index.
func (d *catalogDiff) setIndexTable(x *Delta) {
	i := x.NewIndex
	if i == nil {
		i = x.OldIndex
	}
	x.OID = i.Index.Table
	x.Before, x.After = d.relationBefore(x.OID), d.after.Relation(x.OID)
}

func (d *catalogDiff) addIndexChanges(x Delta, b, a *Relation) {
	d.setIndexTable(&x)
	if d.isCreated(x.OID) {
		return
	}
	if b.Name != a.Name && a.Index.Constraint == "" {
		x.Kind = IndexRenamed
		d.addDelta(x)
	} else if b.Name.Schema == a.Name.Schema && b.Name != a.Name && b.Index.Constraint == "" {
		// It became a constraint's and took that one's name.
		x.Kind = IndexRenamed
		d.addDelta(x)
	}
	var changes []string
	if b.Index.Valid != a.Index.Valid {
		changes = append(changes, "valid")
	}
	if b.Index.Clustered != a.Index.Clustered {
		changes = append(changes, "clustered")
	}
	detached := x.Before != nil && x.After != nil && x.Before.Parent != x.After.Parent
	if b.Index.Parent != a.Index.Parent && !detached && !d.isDropped(b.Index.Parent) && !d.isCreated(a.Index.Parent) {
		changes = append(changes, "partition of")
	}
	for _, w := range listChangedProperties(b, a) {
		if w == "options" || w == "tablespace" || w == "comment" {
			changes = append(changes, w)
		}
	}
	for _, w := range changes {
		y := x
		y.Kind, y.What, y.Key = IndexChanged, w, x.Key+"."+w
		d.addDelta(y)
	}
}
