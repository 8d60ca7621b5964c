package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// mayConvert refuses a change of type that contradicts itself, or the column.
func (a *alter) mayConvert(col *catalog.Column, def *pgparse.ColumnDef) bool {
	using := def.GetRawDefault()
	switch _, again := a.newTypes[col.Name]; {
	case again && a.rel.Column(col.Name) == col:
		a.refuse(`cannot alter type of column "` + col.Name + `" twice`)
	case using != nil && col.Generated != "":
		a.refuse("cannot specify USING when altering type of generated column")
	case using != nil && holdsNode[*pgparse.SubLink](using):
		a.refuse("cannot use subquery in transform expression")
	default:
		return a.collates(def)
	}
	return false
}

// mayCheck refuses a CHECK that reads other rows.
func (r *run) mayCheck(con *pgparse.Constraint) bool {
	if con.GetRawExpr() == nil || !holdsNode[*pgparse.SubLink](con.GetRawExpr()) {
		return true
	}
	r.refuse("cannot use subquery in check constraint")
	return false
}

const virtualKey = "foreign key constraints on virtual generated columns are not supported"

// foreign is what the server has against the expression of a virtual column: it
// may use nothing but what the server brings along; "" where it does not.
func (r *run) foreign(typ catalog.Type, expr *pgparse.Node) string {
	own := func(t catalog.Type) bool { return t.Known() && t.Name.Schema != "pg_catalog" }
	if own(typ) && typ.OID != 0 {
		return "generation expression uses user-defined type"
	}
	what := ""
	pgparse.Walk(expr, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.FuncCall:
			schema, name := nameOf(x.GetFuncname())
			if schema != "pg_catalog" && len(r.c.Functions(schema, name)) > 0 && (schema != "" || !builtin.Known(name)) {
				what = "generation expression uses user-defined function"
			}
		case *pgparse.TypeCast:
			if t := r.c.TypeOf(x.GetTypeName()); own(t) && t.OID != 0 {
				what = "generation expression uses user-defined type"
			}
		}
		return what == ""
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
	r.refuse("collations are not supported by type " + t.Formal())
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
			a.refuse(`table is missing column "` + want.Name + `"`)
		case table[i].Name != want.Name:
			a.refuse(`table has column "` + table[i].Name + `" where type requires "` + want.Name + `"`)
		case !same(table[i].Type, want.Type) || table[i].Type.ModText != want.Type.ModText:
			a.refuse(`table "` + a.rel.Name.Name + `" has different type for column "` + want.Name + `"`)
		default:
			continue
		}
		return false
	}
	if len(table) > len(composite.Columns) {
		a.refuse(`table has extra column "` + table[len(composite.Columns)].Name + `"`)
		return false
	}
	return true
}
