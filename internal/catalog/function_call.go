package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// AcceptsCall reports whether a call may mean the function, by the number, the names and the types of its arguments. The types are of
// the function that the call means now; that is nil if they do not matter. https://www.postgresql.org/docs/current/typeconv-func.html
func (fn *Function) AcceptsCall(call *pgparse.FuncCall, current *Function) bool {
	args, required := call.GetArgs(), len(fn.Args)-fn.Defaults
	if fn.Variadic || call.GetAggStar() {
		return true
	}
	params := slices.DeleteFunc(slices.Clone(fn.Params), func(p Param) bool { return !p.In && fn.Kind != "procedure" })
	missing := required
	for i, a := range args {
		if name := a.GetNamedArgExpr().GetName(); name != "" {
			i = slices.IndexFunc(params, func(p Param) bool { return p.Name == name })
			a = a.GetNamedArgExpr().GetArg()
		}
		if i < 0 || i >= len(fn.Args) {
			return false
		}
		if i < required {
			missing--
		}
		if c := a.GetAConst(); c.GetSval() == nil && !c.GetIsnull() && current != nil && i < len(current.Args) && !mayConvert(current.Args[i], fn.Args[i]) {
			return false
		}
	}
	return missing == 0
}

// mayConvert reports whether a function may take a value of another type than its own. Types of the schema may have casts.
func mayConvert(from, to Type) bool {
	return from.OID != 0 || to.OID != 0 || from.IsAlike(to) || strings.HasPrefix(to.Name.Name, "any") ||
		from.Array == to.Array && typeFamily(from) == typeFamily(to)
}

// typeFamily returns one word for types that convert to each other, as some of them do.
func typeFamily(t Type) string {
	for family, words := range map[string][]string{
		"number": {"int2", "int4", "int8", "numeric", "float4", "float8"}, "text": {"text", "varchar", "bpchar", "name"},
		"time": {"date", "timestamp", "timestamptz"}, "hour": {"time", "timetz", "interval"},
	} {
		if slices.Contains(words, t.Name.Name) {
			return family
		}
	}
	return t.Name.Name
}
