package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refuse"
)

// mayRetype refuses what the server refuses: what depends on the column and
// cannot be made anew.
func (a *alter) mayRetype(rel *catalog.Relation, col *catalog.Column) bool {
	no := func(kind refuse.Kind, objects ...string) bool { a.Refuse(kind, objects...); return false }
	if rel.OfType != 0 && rel == a.rel {
		return no(refuse.RetypeOfTyped)
	}
	if rel == a.rel && col.Inherited {
		return no(refuse.RetypeInherited, col.Name)
	}
	if partitionedBy(rel, col) {
		return no(refuse.RetypePartition, col.Name, rel.Name.Name)
	}
	for _, other := range rel.Columns {
		if other != col && contains(other.GeneratedFrom, col.Attnum) {
			return no(refuse.RetypeGenerates)
		}
	}
	for _, view := range a.C.Rels(rel.Dependents) {
		if view.View != nil && contains(view.View.Columns[rel.OID], col.Attnum) {
			return no(refuse.RetypeView)
		}
	}
	if len(a.C.RulesOver(rel.OID, col.Attnum)) > 0 {
		return no(refuse.RetypeView)
	}
	if len(a.C.BodiesOver(rel.OID, col.Attnum)) > 0 {
		return no(refuse.RetypeFunction)
	}
	for _, p := range rel.Policies {
		if contains(p.Uses, col.Attnum) {
			return no(refuse.RetypePolicy)
		}
	}
	if len(a.C.PoliciesOver(rel.OID, col.Attnum)) > 0 {
		return no(refuse.RetypePolicy)
	}
	for _, t := range rel.Triggers {
		if contains(t.Columns, col.Attnum) || contains(t.Uses, col.Attnum) {
			return no(refuse.RetypeTrigger)
		}
	}
	return true
}

// unlessDefault is a collation's name, "" for the one that types have anyway.
func unlessDefault(collation string) string {
	if collation == "default" {
		return ""
	}
	return collation
}

// keepsMeaning refuses a type in which the column's identity, default, foreign
// keys or row type could not go on.
func (a *alter) keepsMeaning(rel *catalog.Relation, col *catalog.Column, to catalog.Type) bool {
	if rel.Kind == catalog.CompositeType || !to.Known() {
		return true
	}
	if !a.mayFill(rel) {
		return false
	}
	base := a.Base(to)
	switch {
	case a.isIdentity(col) && (base.Name.Schema != "pg_catalog" || !contains([]string{"int2", "int4", "int8"}, to.Name.Name)):
		a.Refuse(refuse.IdentityType)
		return false
	case col.Default != nil && col.Generated == "" && !col.Inferred && col.Type.Known() && !contains(a.withoutDefault, col.Name) &&
		!predicate.IsNull(col.Default) && !a.mayBecome(a.defaultType(col), base):
		a.Refuse(refuse.RetypeDefault, col.Name, unmodified(to))
		return false
	}
	for _, con := range rel.Constraints {
		if con.Kind != catalog.ForeignKey || con.Ref == rel.OID || contains(a.droppedConstraints, con) {
			continue
		}
		ref := a.C.Relation(con.Ref)
		for i, n := range con.Columns {
			if n == col.Attnum && ref != nil && i < len(con.RefColumns) && !a.mayEquate(to, ref.Attr(con.RefColumns[i])) {
				a.Refuse(refuse.ForeignKeyTypes, con.Name)
				return false
			}
		}
	}
	for _, ref := range a.C.References(rel, false) {
		for i, n := range ref.Con.RefColumns {
			if n != col.Attnum || ref.From == rel || i >= len(ref.Con.Columns) {
				continue
			}
			if own := ref.From.Attr(ref.Con.Columns[i]); own != nil && own.Type.Known() && !own.Inferred && !a.equates(own.Type, to) {
				a.Refuse(refuse.ForeignKeyTypes, ref.Con.Name)
				return false
			}
		}
	}
	return true
}

// defaultType is the type that a column's default has before the column's own is
// made of it, which is what a change of the column's type starts from: the
// default 'new'::state of a text column is a state. The zero Type is not known.
func (a *alter) defaultType(col *catalog.Column) catalog.Type {
	own := a.Base(col.Type)
	switch x := pgparse.Unwrap(col.Default).(type) {
	case *pgparse.TypeCast:
		return a.Base(a.C.TypeOf(x.GetTypeName()))
	case *pgparse.A_Const:
		if x.GetSval() != nil {
			return own // a text without a type is read as the column's
		}
	}
	if answer.IsString(own.Name.Name) {
		return catalog.Type{} // everything is made a text without being asked
	}
	return own
}

// mayBecome reports whether the server makes one type of another by itself where
// a value is assigned, or it cannot be known.
func (a *alter) mayBecome(from, to catalog.Type) bool {
	return !from.Known() || answer.Same(from, to) || a.isFree(from, to) || a.assignable(from, to)
}

// mayFill refuses to give the rows of a table new values, even without a
// rewrite, where a column somewhere else holds rows of it.
func (a *alter) mayFill(rel *catalog.Relation) bool {
	user := ""
	a.C.EachOfType(rel.OID, func(other *catalog.Relation, c *catalog.Column) {
		if user == "" && (other.Kind == catalog.Table || other.Kind == catalog.MaterializedView) {
			user = other.Name.Name + "." + c.Name
		}
	})
	if user == "" {
		return true
	}
	a.Refuse(refuse.RetypeRowUsed, rel.Name.Name, user)
	return false
}
