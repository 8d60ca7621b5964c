package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Functions and expressions of SQL that older versions do not have.

// refuseNewerCall refuses a call of a function that the version does not have, unless
// the schema may have one of its own.
func (q *Checker) refuseNewerCall(f *pgparse.FuncCall) {
	if f.GetFuncformat() == pgparse.CoercionForm_COERCE_SQL_SYNTAX {
		return // EXTRACT (… FROM …) and similar syntax: older versions called other functions
	}
	schema, name := pgparse.SchemaAndName(f.GetFuncname())
	if schema != "" && schema != "pg_catalog" {
		return
	}
	if since := builtin.Since(name, len(f.GetArgs())); since > 0 && !q.mayHaveFunction(name) && !q.V.AtLeast(since) {
		args := "…"
		if len(f.GetArgs()) == 0 {
			args = ""
		}
		q.RecordRefusal(pgerror.FunctionMissing, name+"("+args+")")
	}
}

// refuseNewerExpr refuses an expression in words that the version does not have.
func (q *Checker) refuseNewerExpr(m any) {
	var name string
	var since int
	switch x := m.(type) {
	case *pgparse.JsonFuncExpr:
		since = 17
		name = map[pgparse.JsonExprOp]string{
			pgparse.JsonExprOp_JSON_EXISTS_OP: "json_exists", pgparse.JsonExprOp_JSON_QUERY_OP: "json_query", pgparse.JsonExprOp_JSON_VALUE_OP: "json_value",
		}[x.GetOp()]
	case *pgparse.JsonTable:
		name, since = "json_table", 17
	case *pgparse.JsonScalarExpr:
		name, since = "json_scalar", 17
	case *pgparse.JsonSerializeExpr:
		name, since = "json_serialize", 17
	case *pgparse.JsonObjectConstructor:
		name, since = "json_object", 16
	case *pgparse.JsonArrayConstructor, *pgparse.JsonArrayQueryConstructor:
		name, since = "json_array", 16
	case *pgparse.JsonObjectAgg:
		name, since = "json_objectagg", 16
	case *pgparse.JsonArrayAgg:
		name, since = "json_arrayagg", 16
	case *pgparse.JsonIsPredicate:
		if !q.V.AtLeast(16) {
			q.RecordRefusal(pgerror.SyntaxAt, "JSON")
		}
		return
	default:
		return
	}
	if !q.mayHaveFunction(name) && !q.V.AtLeast(since) {
		q.RecordRefusal(pgerror.FunctionMissing, name+"(…)")
	}
}

// mayHaveFunction reports whether the schema has a function of that name, or may have one
// that was not seen made: by something that was not folded, or an extension.
func (q *Checker) mayHaveFunction(name string) bool {
	found := q.C.Unmodelled != nil && !q.C.Complete
	q.C.EachObject("extension", func(o *catalog.Object) bool {
		n := o.Name.Name
		found = found || !catalog.BringsNoTable(n)
		return !found
	})
	if !found {
		q.C.EachFunction(func(f *catalog.Function) bool {
			found = f.Name.Name == name
			return !found
		})
	}
	return found
}

// refuseNewerSyntax refuses what an expression of a column says that the version does
// not have.
func (q *Checker) refuseNewerSyntax(expr *pgparse.Node) {
	if expr == nil || expr.GetAConst() != nil {
		return
	}
	pgparse.Walk(expr, func(m any) bool {
		if f, ok := m.(*pgparse.FuncCall); ok {
			q.checkSerialSequence(f)
			q.refuseNewerCall(f)
			return true
		}
		q.refuseNewerExpr(m)
		return true
	})
}

// refuseNewerReturning refuses old and new in RETURNING, unless something else has that name.
func (q *Checker) refuseNewerReturning(c *pgparse.ReturningClause, target *pgparse.RangeVar, otherTables int) {
	if c == nil || otherTables > 0 {
		return
	}
	if len(c.GetOptions()) > 0 && !q.V.AtLeast(18) {
		q.RecordRefusal(pgerror.SyntaxAt, "WITH")
		return
	}
	called := target.GetRelname()
	if a := target.GetAlias().GetAliasname(); a != "" {
		called = a
	}
	for _, n := range c.GetExprs() {
		pgparse.Walk(n, func(m any) bool {
			ref, ok := m.(*pgparse.ColumnRef)
			if !ok || len(ref.GetFields()) != 2 {
				return true
			}
			row := pgparse.StringText(ref.GetFields()[0])
			if (row == "old" || row == "new") && row != called && !q.V.AtLeast(18) {
				q.RecordRefusal(pgerror.FromMissing, row)
			}
			return true
		})
	}
}
