package catalog

import (
	"slices"
)

// dropConstraint drops a constraint with all that hangs on it.
func (f *fold) dropConstraint(t *Relation, name string, cascade, missingOK, only bool) {
	c := t.Constraint(clip(name))
	if c == nil {
		f.dropUnknownConstraint(t, clip(name), missingOK)
		return
	}
	if c.Parent && c.Kind != NotNullConstraint && !t.Inferred && f.depth == 0 {
		f.fail(f.sure(), "42P16", "cannot drop inherited constraint %q of relation %q", c.Name, t.Name.Name)
		if f.failed {
			return
		}
	}
	if !f.releaseKey(t, c, cascade) {
		return
	}
	f.forgetConstraint(t, c)
	if only {
		return
	}
	f.eachChild(t, func(child *Relation) {
		have := child.Constraint(c.Name)
		if c.Kind == ForeignKey {
			have = nil
			for _, k := range child.Constraints {
				if k.Kind == ForeignKey && k.Parent && k.Ref == c.Ref && slices.Equal(child.columnNames(k.Columns), t.columnNames(c.Columns)) {
					have = k
				}
			}
		}
		if have != nil && have.Parent && (have.Kind == Check || have.Kind == ForeignKey || have.Kind == NotNullConstraint) {
			f.forgetConstraint(child, have)
		}
	})
}

// dropUnknownConstraint drops a constraint that the table is not known to
// have.
func (f *fold) dropUnknownConstraint(t *Relation, name string, missingOK bool) {
	// Postgres 18 names every NOT NULL constraint.
	for _, c := range t.Columns {
		if c.NotNull && name == objectName(t.Name.Name, c.Name, "not_null") {
			t.editColumn(c.Attnum).NotNull = false
			return
		}
	}
	if missingOK || t.Inferred || t.Partial {
		return
	}
	f.fail(f.sure(), "42704", "constraint %q of relation %q does not exist", name, t.Name.Name)
}

// releaseKey sees to the foreign keys that point at the key behind a
// constraint; false when they forbid the drop.
func (f *fold) releaseKey(t *Relation, c *Constraint, cascade bool) bool {
	if c.Kind != PrimaryKey && c.Kind != Unique || len(t.ReferencedBy) == 0 {
		return true
	}
	for _, oid := range slices.Clone(t.ReferencedBy) {
		other := f.Relation(oid)
		if other == nil {
			continue
		}
		for _, fk := range other.Constraints {
			if fk.Kind != ForeignKey || fk.Ref != t.OID || !sameSet(fk.RefColumns, c.Columns) || f.otherKey(t, c) {
				continue
			}
			if !cascade {
				f.fail(f.sure() && !t.Inferred, "2BP01", "cannot drop constraint %s on table %s because other objects depend on it", c.Name, t.Name.String())
				if f.failed {
					return false
				}
			}
			f.forgetConstraint(f.edit(oid), fk)
		}
	}
	return true
}

// otherKey reports whether another unique constraint or index covers the same
// columns: the server may have tied the foreign key to that one.
func (f *fold) otherKey(t *Relation, c *Constraint) bool {
	for _, oid := range t.Indexes {
		i := f.Relation(oid)
		if i == nil || oid == c.Index || !i.Index.Unique || i.Index.Predicate != nil {
			continue
		}
		if sameColumns(i.Index.Keys, c.Columns) {
			return true
		}
	}
	return false
}

func sameSet(a, b []int16) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !slices.Contains(b, x) {
			return false
		}
	}
	return true
}

// forgetConstraint takes a constraint off its table, with its index and the
// entry at the referenced table.
func (f *fold) forgetConstraint(t *Relation, c *Constraint) {
	t.Constraints = slices.DeleteFunc(slices.Clone(t.Constraints), func(o *Constraint) bool { return o.ID == c.ID })
	switch c.Kind {
	case ForeignKey:
		if ref := f.edit(c.Ref); ref != nil {
			ref.ReferencedBy = without(ref.ReferencedBy, t.OID)
		}
	case NotNullConstraint:
		for _, a := range c.Columns {
			if col := t.editColumn(a); col != nil {
				col.NotNull, col.NotNullInvalid = false, false
			}
		}
	}
	if c.Index != 0 {
		f.forgetIndex(c.Index)
	}
}
