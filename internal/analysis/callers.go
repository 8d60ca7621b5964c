package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Stores is what of a relation holds the results of a function: "index people_key";
// "" for none. A generated column that is not stored is computed when it is read.
func Stores(r *catalog.Relation, fn catalog.Name) string {
	for _, c := range r.Columns {
		if c.Generated == "stored" && calls(c.GeneratedExpr, fn.Name) {
			return "column " + c.Name + " of " + r.Name.String()
		}
	}
	if r.Index != nil && (calls(r.Index.Predicate, fn.Name) || slices.ContainsFunc(r.Index.Keys, func(k catalog.IndexKey) bool { return calls(k.Expr, fn.Name) })) {
		return "index " + r.Name.Name
	}
	return ""
}

// caller is the expression or view of a relation that calls a function; "" when
// none does.
func caller(r *catalog.Relation, fn catalog.Name) string {
	if r.View != nil && slices.Contains(r.View.Functions, fn) {
		return r.Kind.String() + " " + r.Name.String()
	}
	for _, c := range r.Columns {
		if calls(c.Default, fn.Name) {
			return "the default of " + r.Name.String() + "." + c.Name
		}
		if calls(c.GeneratedExpr, fn.Name) {
			return "the generated column " + r.Name.String() + "." + c.Name
		}
	}
	for _, c := range r.Constraints {
		if calls(c.Expr, fn.Name) {
			return "constraint " + c.Name + " of " + r.Name.String()
		}
	}
	if r.Index != nil && (calls(r.Index.Predicate, fn.Name) || slices.ContainsFunc(r.Index.Keys, func(k catalog.IndexKey) bool { return calls(k.Expr, fn.Name) })) {
		return "index " + r.Name.String()
	}
	return ""
}

func calls(expr *pgparse.Node, name string) bool {
	found := false
	pgparse.Walk(expr, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok && len(call.GetFuncname()) > 0 {
			found = found || pgparse.Last(call.GetFuncname()) == name
		}
		return !found
	})
	return found
}
