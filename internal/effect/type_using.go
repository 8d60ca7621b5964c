package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// mayConvert refuses a change of type that contradicts itself, or the column.
func (a *alter) mayConvert(col *catalog.Column, def *pgparse.ColumnDef) bool {
	using := def.GetRawDefault()
	switch _, again := a.newTypes[col.Name]; {
	case again && a.rel.Column(col.Name) == col:
		a.refuse(refuse.RetypeTwice, col.Name)
	case using != nil && col.Generated != "":
		a.refuse(refuse.RetypeGenerated)
	case using != nil && pgparse.Holds[*pgparse.SubLink](using):
		a.refuse(refuse.RetypeSubquery)
	default:
		return a.collates(def)
	}
	return false
}

// mayCheck refuses a CHECK that reads other rows.
func (r *run) mayCheck(con *pgparse.Constraint) bool {
	if con.GetRawExpr() == nil || !pgparse.Holds[*pgparse.SubLink](con.GetRawExpr()) {
		return true
	}
	r.refuse(refuse.CheckSubquery)
	return false
}

// foreign is what the server has against the expression of a virtual column: it
// may use nothing but what the server brings along; nil where it does not.
func (r *run) foreign(typ catalog.Type, expr *pgparse.Node) *refuse.Refusal {
	own := func(t catalog.Type) bool { return t.Known() && t.Name.Schema != "pg_catalog" }
	if own(typ) && typ.OID != 0 {
		return refuse.GenerationType.Of()
	}
	var what *refuse.Refusal
	pgparse.Walk(expr, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.FuncCall:
			schema, name := pgparse.SchemaAndName(x.GetFuncname())
			if schema != "pg_catalog" && len(r.c.Functions(schema, name)) > 0 && (schema != "" || !builtin.Known(name)) {
				what = refuse.GenerationFunction.Of()
			}
		case *pgparse.TypeCast:
			if t := r.c.TypeOf(x.GetTypeName()); own(t) && t.OID != 0 {
				what = refuse.GenerationType.Of()
			}
		}
		return what == nil
	})
	return what
}

// collates refuses a collation for a type that has none.
func (r *run) collates(def *pgparse.ColumnDef) bool {
	if def.GetCollClause() == nil {
		return true
	}
	t := r.base(r.c.TypeOf(def.GetTypeName()))
	if t.Name.Schema != "pg_catalog" || contains([]string{"text", "varchar", "bpchar", "name"}, t.Name.Name) {
		return true
	}
	r.refuse(refuse.NoCollation, t.Formal())
	return false
}

// fitsType refuses to make a table one OF a type with other columns.
func (a *alter) fitsType(composite *catalog.Relation) bool {
	if !a.whole(a.rel) || !a.whole(composite) {
		return true
	}
	table := a.rel.Columns
	for i, want := range composite.Columns {
		switch {
		case i >= len(table):
			a.refuse(refuse.TypedMissingColumn, want.Name)
		case table[i].Name != want.Name:
			a.refuse(refuse.TypedOtherColumn, table[i].Name, want.Name)
		case !same(table[i].Type, want.Type) || table[i].Type.ModText != want.Type.ModText:
			a.refuse(refuse.TypedOtherType, a.rel.Name.Name, want.Name)
		default:
			continue
		}
		return false
	}
	if len(table) > len(composite.Columns) {
		a.refuse(refuse.TypedExtraColumn, table[len(composite.Columns)].Name)
		return false
	}
	return true
}
