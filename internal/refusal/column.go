package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// requireNoSubquery refuses a CHECK that reads other rows.
func (q *Checker) requireNoSubquery(con *pgparse.Constraint) bool {
	if con.GetRawExpr() == nil || !pgparse.HasNode[*pgparse.SubLink](con.GetRawExpr()) {
		return true
	}
	q.RecordRefusal(pgerror.CheckSubquery)
	return false
}

// checkVirtualExpr returns the server's objection to the expression of a virtual column, which may
// only use built-in objects; nil if there is none.
func (q *Checker) checkVirtualExpr(typ catalog.Type, expr *pgparse.Node) *pgerror.Refusal {
	isUserDefined := func(t catalog.Type) bool { return t.IsKnown() && t.Name.Schema != "pg_catalog" }
	if isUserDefined(typ) && typ.OID != 0 {
		return pgerror.GenerationType.NewRefusal()
	}
	var refusal *pgerror.Refusal
	pgparse.Walk(expr, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.FuncCall:
			schema, name := pgparse.SchemaAndName(x.GetFuncname())
			if schema != "pg_catalog" && len(q.C.Functions(schema, name)) > 0 && (schema != "" || !builtin.Known(name)) {
				refusal = pgerror.GenerationFunction.NewRefusal()
			}
		case *pgparse.TypeCast:
			if t := q.C.TypeOf(x.GetTypeName()); isUserDefined(t) && t.OID != 0 {
				refusal = pgerror.GenerationType.NewRefusal()
			}
		}
		return refusal == nil
	})
	return refusal
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
