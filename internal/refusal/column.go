package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// mayCheck refuses a CHECK that reads other rows.
func (q *Checker) mayCheck(con *pgparse.Constraint) bool {
	if con.GetRawExpr() == nil || !pgparse.HasNode[*pgparse.SubLink](con.GetRawExpr()) {
		return true
	}
	q.RecordRefusal(pgerror.CheckSubquery)
	return false
}

// checkVirtualExpr returns the server's objection to the expression of a virtual column, which may
// only use built-in objects; nil if there is none.
func (q *Checker) checkVirtualExpr(typ catalog.Type, expr *pgparse.Node) *pgerror.Refusal {
	own := func(t catalog.Type) bool { return t.IsKnown() && t.Name.Schema != "pg_catalog" }
	if own(typ) && typ.OID != 0 {
		return pgerror.GenerationType.NewRefusal()
	}
	var what *pgerror.Refusal
	pgparse.Walk(expr, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.FuncCall:
			schema, name := pgparse.SchemaAndName(x.GetFuncname())
			if schema != "pg_catalog" && len(q.C.Functions(schema, name)) > 0 && (schema != "" || !builtin.Known(name)) {
				what = pgerror.GenerationFunction.NewRefusal()
			}
		case *pgparse.TypeCast:
			if t := q.C.TypeOf(x.GetTypeName()); own(t) && t.OID != 0 {
				what = pgerror.GenerationType.NewRefusal()
			}
		}
		return what == nil
	})
	return what
}

// checkCollation refuses a collation for a type that has none.
func (q *Checker) checkCollation(def *pgparse.ColumnDef) bool {
	if def.GetCollClause() == nil {
		return true
	}
	t := q.BaseType(q.C.TypeOf(def.GetTypeName()))
	if t.Name.Schema != "pg_catalog" || contains([]string{"text", "varchar", "bpchar", "name"}, t.Name.Name) {
		return true
	}
	q.RecordRefusal(pgerror.NoCollation, t.FormatFull())
	return false
}
