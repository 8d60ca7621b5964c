package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// checkAlterColumnType checks ALTER COLUMN … TYPE.
func (a *Alteration) checkAlterColumnType(cmd *pgparse.AlterTableCmd) {
	def, name := cmd.GetDef().GetColumnDef(), cmd.GetName()
	if !a.Recurse && a.Rel.HasKids() {
		a.RecordRefusal(pgerror.RetypeOnlyHere, name)
		return
	}
	to := a.C.TypeOf(def.GetTypeName())
	for _, rel := range a.C.ListTree(a.Rel, a.Recurse) {
		col, _ := a.FindColumn(rel, name)
		if col != nil && a.checkRetypeAllowed(rel, col) && a.checkConversion(col, def) {
			a.checkRetype(rel, col, to, def)
		}
		if a.Refusal != nil {
			return
		}
	}
	if a.Rel.Kind == catalog.CompositeType {
		a.checkTypedTables(cmd.GetBehavior(), cmd)
	}
}

// checkTypedTables carries an ALTER TYPE on to the tables of the type. retype is the
// command when it changes an attribute's type.
func (a *Alteration) checkTypedTables(behavior pgparse.DropBehavior, retype *pgparse.AlterTableCmd) {
	u := a.C.CompositeOf(a.Rel)
	if u == nil {
		return
	}
	if retype != nil {
		a.C.EachOfType(u.OID, func(rel *catalog.Relation, col *catalog.Column) {
			a.RecordRefusal(pgerror.TypeUsed, u.Name.Name, rel.Name.Name, col.Name)
		})
	}
	if a.Refusal != nil || !a.requireNoTypedTables(a.Rel, behavior) || retype == nil {
		return
	}
	for _, t := range a.TablesOf(u) {
		if col := t.Column(retype.GetName()); col != nil {
			def := retype.GetDef().GetColumnDef()
			a.checkRetype(t, col, a.C.TypeOf(def.GetTypeName()), def)
		}
	}
}

// checkRetypeAllowed refuses what the server refuses: what depends on the column and
// cannot be made anew.
func (a *Alteration) checkRetypeAllowed(rel *catalog.Relation, col *catalog.Column) bool {
	no := func(kind pgerror.Kind, objects ...string) bool { a.RecordRefusal(kind, objects...); return false }
	switch {
	case rel.OfType != 0 && rel == a.Rel:
		return no(pgerror.RetypeOfTyped)
	case PartitionedBy(rel, col):
		return no(pgerror.RetypePartition, col.Name, rel.Name.Name)
	}
	for _, other := range rel.Columns {
		if other != col && contains(other.GeneratedFrom, col.Attnum) {
			return no(pgerror.RetypeGenerates)
		}
	}
	if len(ViewsReading(a.C, rel, col)) > 0 || len(a.C.RulesOver(rel.OID, col.Attnum)) > 0 {
		return no(pgerror.RetypeView)
	}
	for _, p := range rel.Policies {
		if contains(p.Uses, col.Attnum) {
			return no(pgerror.RetypePolicy)
		}
	}
	if len(a.C.PoliciesOver(rel.OID, col.Attnum)) > 0 {
		return no(pgerror.RetypePolicy)
	}
	for _, t := range rel.Triggers {
		if contains(t.Columns, col.Attnum) || contains(t.Uses, col.Attnum) {
			return no(pgerror.RetypeTrigger)
		}
	}
	return true
}

// checkConversion refuses a change of type that contradicts itself, or the column.
func (a *Alteration) checkConversion(col *catalog.Column, def *pgparse.ColumnDef) bool {
	using := def.GetRawDefault()
	switch old := a.original.Column(col.Name); {
	case old != nil && !old.Inferred && a.Rel.Column(col.Name) == col && (!SameType(old.Type, col.Type) || !slices.Equal(old.Type.Mods, col.Type.Mods)):
		a.RecordRefusal(pgerror.RetypeTwice, col.Name)
	case using != nil && col.Generated != "":
		a.RecordRefusal(pgerror.RetypeGenerated)
	case using != nil && pgparse.HasNode[*pgparse.SubLink](using):
		a.RecordRefusal(pgerror.RetypeSubquery)
	default:
		return a.checkCollation(def)
	}
	return false
}

// checkRetype refuses a new type of a column for which there is no cast, or with which
// what belongs to the column cannot go on.
func (a *Alteration) checkRetype(rel *catalog.Relation, col *catalog.Column, to catalog.Type, def *pgparse.ColumnDef) {
	if rel.Kind == catalog.CompositeType {
		return // no row is there to cast
	}
	if no := a.checkCast(col, to, def.GetRawDefault()); no != nil {
		a.KeepRefusal(no)
		return
	}
	if !to.IsKnown() || a.checkRowTypeUse(rel) && a.checkDefaultCast(rel, col, to) && a.checkForeignKeyTypes(rel, col, to) {
		a.checkDependents(rel, col, to)
	}
}

// checkDefaultCast refuses a type in which the column's identity or default could not
// go on.
func (a *Alteration) checkDefaultCast(rel *catalog.Relation, col *catalog.Column, to catalog.Type) bool {
	base := a.BaseType(to)
	switch {
	case col.Identity != "" && (base.Name.Schema != "pg_catalog" || !contains([]string{"int2", "int4", "int8"}, to.Name.Name)):
		a.RecordRefusal(pgerror.IdentityType)
	case col.Default != nil && col.Generated == "" && !col.Inferred && col.Type.IsKnown() &&
		!predicate.IsNull(col.Default) && !a.mayBeAssigned(a.defaultType(col), base):
		a.RecordRefusal(pgerror.RetypeDefault, col.Name, formatWithoutModifier(to))
	default:
		return true
	}
	return false
}

// checkForeignKeyTypes refuses a type that the columns on the other side of a foreign
// key cannot be compared with.
func (a *Alteration) checkForeignKeyTypes(rel *catalog.Relation, col *catalog.Column, to catalog.Type) bool {
	for _, con := range rel.Constraints {
		if con.Kind != catalog.ForeignKey || con.Ref == rel.OID {
			continue
		}
		ref := a.C.Relation(con.Ref)
		for i, n := range con.Columns {
			if n != col.Attnum || ref == nil || i >= len(con.RefColumns) {
				continue
			}
			if other := ref.Attr(con.RefColumns[i]); other != nil && other.Type.IsKnown() && !other.Inferred && !a.canCompare(to, other.Type) {
				a.RecordRefusal(pgerror.ForeignKeyTypes, con.Name)
				return false
			}
		}
	}
	for _, ref := range a.C.ListReferences(rel, false) {
		for i, n := range ref.Con.RefColumns {
			if n != col.Attnum || ref.From == rel || i >= len(ref.Con.Columns) {
				continue
			}
			if referencingColumn := ref.From.Attr(ref.Con.Columns[i]); referencingColumn != nil && referencingColumn.Type.IsKnown() &&
				!referencingColumn.Inferred && !a.canCompare(referencingColumn.Type, to) {
				a.RecordRefusal(pgerror.ForeignKeyTypes, ref.Con.Name)
				return false
			}
		}
	}
	return true
}

// defaultType returns the type that a column's default has before it is converted to the
// column's own type. A change of the column's type starts from it: the default
// 'new'::state of a text column is a state. The zero Type is not known.
func (a *Alteration) defaultType(col *catalog.Column) catalog.Type {
	columnType := a.BaseType(col.Type)
	switch x := pgparse.Unwrap(col.Default).(type) {
	case *pgparse.TypeCast:
		return a.BaseType(a.C.TypeOf(x.GetTypeName()))
	case *pgparse.A_Const:
		if x.GetSval() != nil {
			return columnType // a text without a type is read as the column's
		}
	}
	if isString(columnType.Name.Name) {
		return catalog.Type{} // everything is made a text without being asked
	}
	return columnType
}

// mayBeAssigned reports whether the server makes one type of another by itself where
// a value is assigned, or it cannot be known.
func (a *Alteration) mayBeAssigned(from, to catalog.Type) bool {
	return !from.IsKnown() || SameType(from, to) || IsRelabeling(from, to, false) || a.isAssignable(from, to)
}

// checkOfType refuses to make a table one OF a type with other columns.
func (a *Alteration) checkOfType(composite *catalog.Relation) {
	if !a.IsFullyKnown(a.Rel) || !a.IsFullyKnown(composite) {
		return
	}
	table := a.Rel.Columns
	for i, want := range composite.Columns {
		switch {
		case i >= len(table):
			a.RecordRefusal(pgerror.TypedMissingColumn, want.Name)
			return
		case table[i].Name != want.Name:
			a.RecordRefusal(pgerror.TypedOtherColumn, table[i].Name, want.Name)
		case !SameType(table[i].Type, want.Type) || table[i].Type.ModText != want.Type.ModText:
			a.RecordRefusal(pgerror.TypedOtherType, a.Rel.Name.Name, want.Name)
		}
	}
	if len(table) > len(composite.Columns) {
		a.RecordRefusal(pgerror.TypedExtraColumn, table[len(composite.Columns)].Name)
	}
}
