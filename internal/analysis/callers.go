package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// StoredObject returns the object of a relation that stores the results of a function, such as
// "index people_key"; "" for none. A virtual generated column stores nothing: it is
// computed when it is read.
func StoredObject(r *catalog.Relation, fn catalog.Name) string {
	for _, c := range r.Columns {
		if c.Generated == "stored" && callsFunction(c.GeneratedExpr, fn.Name) {
			return "column " + c.Name + " of " + r.Name.String()
		}
	}
	if r.Index != nil && (callsFunction(r.Index.Predicate, fn.Name) ||
		slices.ContainsFunc(r.Index.Keys, func(k catalog.IndexKey) bool { return callsFunction(k.Expr, fn.Name) })) {
		return "index " + r.Name.Name
	}
	return ""
}

// findCaller returns the expression or view of a relation that calls a function; "" if none
// does.
func findCaller(r *catalog.Relation, fn catalog.Name) string {
	if r.View != nil && slices.Contains(r.View.Functions, fn) {
		return r.Kind.String() + " " + r.Name.String()
	}
	for _, c := range r.Columns {
		if callsFunction(c.Default, fn.Name) {
			return "the default of " + r.Name.String() + "." + c.Name
		}
		if callsFunction(c.GeneratedExpr, fn.Name) {
			return "the generated column " + r.Name.String() + "." + c.Name
		}
	}
	for _, c := range r.Constraints {
		if callsFunction(c.Expr, fn.Name) {
			return "constraint " + c.Name + " of " + r.Name.String()
		}
	}
	if r.Index != nil && (callsFunction(r.Index.Predicate, fn.Name) ||
		slices.ContainsFunc(r.Index.Keys, func(k catalog.IndexKey) bool { return callsFunction(k.Expr, fn.Name) })) {
		return "index " + r.Name.String()
	}
	return ""
}

func callsFunction(expr *pgparse.Node, name string) bool {
	found := false
	pgparse.Walk(expr, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok && len(call.GetFuncname()) > 0 {
			found = found || pgparse.LastText(call.GetFuncname()) == name
		}
		return !found
	})
	return found
}
