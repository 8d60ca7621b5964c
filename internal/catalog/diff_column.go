package catalog

import (
	"slices"
)

// compareColumns adds the deltas of the columns of a relation, b before and a after. A column keeps its
// Attnum, so a rename is not a drop.
func (d *catalogDiff) compareColumns(base Delta, b, a *Relation) {
	before, after := trimCommon(b.Columns, a.Columns)
	number := func(c *Column) int16 { return c.Attnum }
	oldOf, newOf := newFinder(before, number), newFinder(after, number)
	for _, old := range before {
		if newOf(old.Attnum) == nil && !(old.Inferred && a.Adopted) {
			if old.Inherited && d.parentHasChange(a, func(pb, pa *Relation) bool {
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
			d.addDelta(x)
		}
	}
	for _, c := range after {
		old := oldOf(c.Attnum)
		if old == c {
			continue
		}
		x := base
		x.New, x.Key = c, columnKey(base.OID, c.Attnum)
		if old == nil {
			if c.Inferred {
				continue
			}
			if c.Inherited && d.parentHasChange(a, func(pb, pa *Relation) bool {
				p := pa.Column(c.Name)
				return p != nil && pb.Attr(p.Attnum) == nil
			}) {
				continue
			}
			x.Kind = ColumnAdded
			d.addDelta(x)
			continue
		}
		x.Old = old
		d.compareColumn(x, old, c, a)
	}
}

// compareColumn compares a column that is there before and after.
func (d *catalogDiff) compareColumn(x Delta, old, c *Column, a *Relation) {
	inherited := c.Inherited && d.parentHasChange(a, func(pb, pa *Relation) bool {
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
	if old.Name != c.Name {
		x.Kind = ColumnRenamed
		d.addDelta(x)
	}
	d.compareColumnTraits(x, old, c, a)
	detail := func(different bool, property string) {
		if different {
			y := x
			y.Kind, y.What, y.Key = ColumnChanged, property, x.Key+"."+property
			d.addDelta(y)
		}
	}
	detail(old.Collation != c.Collation, "collation")
	detail(old.Storage != c.Storage, "storage")
	detail(old.Compression != c.Compression, "compression")
	detail(old.Comment != c.Comment, "comment")
	detail(old.NotNullInvalid && !c.NotNullInvalid && c.NotNull, "not null validated")
}

// compareColumnTraits compares what code meets of a column under one name.
func (d *catalogDiff) compareColumnTraits(x Delta, old, c *Column, a *Relation) {
	note := func(different bool, kind DeltaKind) {
		if different {
			x.Kind = kind
			d.addDelta(x)
		}
	}
	// Of a view's column the type is not always known, and stays what it is.
	note(!old.Type.IsSame(c.Type) && (a.View == nil || old.Type.IsKnown() && c.Type.IsKnown()), ColumnTypeChanged)
	note(!old.NotNull && c.NotNull, ColumnSetNotNull)
	note(old.NotNull && !c.NotNull, ColumnDropNotNull)
	note(!hasSameDefault(old, c), ColumnDefaultChanged)
	note(old.Identity != c.Identity, ColumnIdentityChanged)
	note(old.Generated != c.Generated || !SameExpr(old.GeneratedExpr, c.GeneratedExpr) && old.Name == c.Name && !differsOnlyByRename(old, c),
		ColumnGeneratedChanged)
}

// differsOnlyByRename reports a generation expression that differs only because a
// column that it reads was renamed: it reads the same columns.
func differsOnlyByRename(old, c *Column) bool {
	return old.Generated == c.Generated && old.GeneratedExpr != nil && c.GeneratedExpr != nil &&
		slices.Equal(old.GeneratedFrom, c.GeneratedFrom) && len(old.GeneratedFrom) > 0 &&
		!slices.Equal(ColumnsIn(old.GeneratedExpr), ColumnsIn(c.GeneratedExpr))
}

func hasSameDefault(old, c *Column) bool {
	if (old.Sequence != 0) != (c.Sequence != 0) && old.Default != c.Default {
		return false
	}
	return SameExpr(old.Default, c.Default)
}
