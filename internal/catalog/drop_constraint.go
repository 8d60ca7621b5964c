package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
)

// dropConstraint drops a constraint with its index, on the children too. With CASCADE it drops
// the foreign keys that refer to it, and the views that group by it.
func (f *fold) dropConstraint(t *Relation, name string, cascade, missingOK, only bool) {
	c := t.Constraint(clipName(name))
	if c == nil {
		if c = f.inferConstraint(t, clipName(name)); c != nil {
			f.forgetConstraint(t, c)
			return
		}
		f.dropUnknownConstraint(t, clipName(name), missingOK)
		return
	}
	if c.Parent && c.Kind != NotNullConstraint && !t.Inferred && f.depth == 0 {
		f.addConflict(true, pgerror.ConstraintInherited, c.Name, t.Name.Name)
		if f.failed {
			return
		}
	}
	if !f.dropReferencesOrRefuse(t, c, cascade) {
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
				if k.Kind == ForeignKey && k.Parent && k.Ref == c.Ref && slices.Equal(child.ColumnNames(k.Columns), t.ColumnNames(c.Columns)) {
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
	f.addMissingPart(t, pgerror.ConstraintMissing, name, t.Name.Name)
}

// dropReferencesOrRefuse handles the foreign keys that refer to the key of a constraint, and the views that group by it; false if
// they forbid the drop.
func (f *fold) dropReferencesOrRefuse(t *Relation, c *Constraint, cascade bool) bool {
	for _, v := range f.findViewsGroupedByKey(t, c) {
		if !cascade {
			f.addConflict(true, pgerror.ConstraintHasDependents, c.Name, t.Name.String())
			if f.failed {
				return false
			}
		}
		f.dropRelation(v.OID)
	}
	if c.Kind != PrimaryKey && c.Kind != Unique || len(t.ReferencedBy) == 0 {
		return true
	}
	for _, u := range f.listKeyUsers(t, c.Columns, c.Index) {
		if !cascade {
			f.addConflict(!t.Inferred, pgerror.ConstraintHasDependents, c.Name, t.Name.String())
			if f.failed {
				return false
			}
		}
		f.forgetConstraint(f.editRelation(u.From), u.Constraint)
	}
	return true
}

// KeyUser is a foreign key that needs a unique index, and its table.
type KeyUser struct {
	From       OID
	Constraint *Constraint
}

// listKeyUsers lists the foreign keys that need a unique index on columns of a
// table. There are none where another one covers the same columns: the server
// may have tied the foreign key to that one.
func (c *Catalog) listKeyUsers(t *Relation, columns []int16, index OID) []KeyUser {
	if len(t.ReferencedBy) == 0 || c.hasOtherKey(t, columns, index) {
		return nil
	}
	var out []KeyUser
	for i, oid := range t.ReferencedBy {
		other := c.Relation(oid)
		if other == nil || slices.Contains(t.ReferencedBy[:i], oid) {
			continue
		}
		for _, fk := range other.Constraints {
			if fk.Kind == ForeignKey && fk.Ref == t.OID && isSameSet(fk.RefColumns, columns) {
				out = append(out, KeyUser{oid, fk})
			}
		}
	}
	return out
}

// IndexUsers returns the foreign keys that need a unique index without a constraint.
func (c *Catalog) IndexUsers(idx *Relation) []KeyUser {
	t := c.Relation(idx.Index.Table)
	if t == nil || !idx.Index.Unique || idx.Index.Predicate != nil || idx.Index.Constraint != "" {
		return nil
	}
	columns := make([]int16, len(idx.Index.Keys))
	for i, k := range idx.Index.Keys {
		if columns[i] = k.Column; k.Column == 0 {
			return nil
		}
	}
	return c.listKeyUsers(t, columns, idx.OID)
}

// hasOtherKey reports whether another unique constraint or index covers the same
// columns.
func (c *Catalog) hasOtherKey(t *Relation, columns []int16, index OID) bool {
	for _, oid := range t.Indexes {
		i := c.Relation(oid)
		if i == nil || oid == index || !i.Index.Unique || i.Index.Predicate != nil {
			continue
		}
		if sameColumns(i.Index.Keys, columns) {
			return true
		}
	}
	return false
}

func isSameSet(a, b []int16) bool {
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
	f.recordDroppedPart(t, "constraint", c.Name)
	switch c.Kind {
	case ForeignKey:
		if ref := f.editRelation(c.Ref); ref != nil {
			ref.ReferencedBy = removeValue(ref.ReferencedBy, t.OID) // it is listed once for each foreign key
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
