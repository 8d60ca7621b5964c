package answer

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// mayCheck refuses a CHECK that reads other rows.
func (q *Question) mayCheck(con *pgparse.Constraint) bool {
	if con.GetRawExpr() == nil || !pgparse.Holds[*pgparse.SubLink](con.GetRawExpr()) {
		return true
	}
	q.Refuse(refuse.CheckSubquery)
	return false
}

// foreign is what the server has against the expression of a virtual column: it
// may use nothing but what the server brings along; nil where it does not.
func (q *Question) foreign(typ catalog.Type, expr *pgparse.Node) *refuse.Refusal {
	own := func(t catalog.Type) bool { return t.Known() && t.Name.Schema != "pg_catalog" }
	if own(typ) && typ.OID != 0 {
		return refuse.GenerationType.Of()
	}
	var what *refuse.Refusal
	pgparse.Walk(expr, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.FuncCall:
			schema, name := pgparse.SchemaAndName(x.GetFuncname())
			if schema != "pg_catalog" && len(q.C.Functions(schema, name)) > 0 && (schema != "" || !builtin.Known(name)) {
				what = refuse.GenerationFunction.Of()
			}
		case *pgparse.TypeCast:
			if t := q.C.TypeOf(x.GetTypeName()); own(t) && t.OID != 0 {
				what = refuse.GenerationType.Of()
			}
		}
		return what == nil
	})
	return what
}

// collates refuses a collation for a type that has none.
func (q *Question) collates(def *pgparse.ColumnDef) bool {
	if def.GetCollClause() == nil {
		return true
	}
	t := q.Base(q.C.TypeOf(def.GetTypeName()))
	if t.Name.Schema != "pg_catalog" || contains([]string{"text", "varchar", "bpchar", "name"}, t.Name.Name) {
		return true
	}
	q.Refuse(refuse.NoCollation, t.Formal())
	return false
}
