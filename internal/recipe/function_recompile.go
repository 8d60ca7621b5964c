package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
)

// A session keeps what PL/pgSQL has compiled, with the type of each field of a record: NEW.total, or r.total after
// SELECT * INTO r. After a change of type in the table, each call fails in the sessions that have called the function
// before: "type of parameter 14 (bigint) does not match that when preparing the plan (integer)", for good. A change of
// the function's row in pg_proc makes all sessions compile it again.
// https://www.postgresql.org/docs/current/plpgsql-implementation.html#PLPGSQL-PLAN-CACHING

// recompiled changes a function's row and nothing in it: no function sets this debugging parameter.
const recompiled = " RESET debug_print_rewritten"

// RecompileFunctions returns statements that make sessions compile the functions again in which some columns of a table may
// have another type: the functions of its triggers, and those that name it, if they name such a column.
func RecompileFunctions(schema *catalog.Catalog, t *catalog.Relation, columns []string) (out []string) {
	fires := map[catalog.Name]bool{}
	for _, trigger := range t.Triggers {
		fires[trigger.Function] = true
	}
	schema.EachFunction(func(fn *catalog.Function) bool {
		body := strings.ToLower(fn.Body)
		mentions := func(name string) bool { return analysis.MentionsWord(body, strings.ToLower(name)) }
		isOfTable := fires[fn.Name] || mentions(t.Name.Name)
		if fn.Language == "plpgsql" && fn.Name.Schema != "pg_temp" && isOfTable && slices.ContainsFunc(columns, mentions) {
			out = append(out, RecompileFunction(fn))
		}
		return true
	})
	slices.Sort(out)
	return out
}

// RecompileFunction returns a statement that makes sessions compile a function again.
func RecompileFunction(fn *catalog.Function) string {
	return "ALTER ROUTINE " + routineName(fn) + recompiled
}

// RecompiledRoutine returns the function, as SQL, that a statement of [RecompileFunctions] makes sessions compile again; "" for another statement.
func RecompiledRoutine(sql string) string {
	name, found := strings.CutPrefix(strings.TrimSpace(sql), "ALTER ROUTINE ")
	name, matches := strings.CutSuffix(name, recompiled)
	if !found || !matches {
		return ""
	}
	return name
}

// routineName returns the name of a function with its arguments, as SQL.
func routineName(fn *catalog.Function) string {
	name := quoteIdent(fn.Name.Name)
	if fn.Name.Schema != "" && fn.Name.Schema != "public" {
		name = quoteQualified(fn.Name)
	}
	args := make([]string, len(fn.Args))
	for i, a := range fn.Args {
		if !a.IsKnown() {
			return name
		}
		args[i] = typeName(a)
	}
	return name + "(" + strings.Join(args, ", ") + ")"
}
