package function

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// unqualifiedName is a name in a function's body that only the session's search_path finds.
type unqualifiedName struct {
	fn    *catalog.Function
	name  string // "table t", "function f()"
	maybe bool   // a call need not come there
}

func (u *unqualifiedName) adviseFix() string {
	return "give the function the path that it relies on, in a migration before:\nALTER FUNCTION " + u.fn.Signature() + " SET search_path = " +
		pgparse.QuoteIdent(u.fn.Name.Schema) + ", pg_temp;"
}

// findAssumedPath finds the first name without its schema in the functions that expressions call, and in those that they call; nil for
// none. A certain one comes first.
func findAssumedPath(c *catalog.Catalog, exprs []*pgparse.Node) *unqualifiedName {
	x := assumedPath{c: c}
	for _, e := range exprs {
		if e != nil {
			x.followCalls(e, false)
		}
	}
	return x.best
}

type assumedPath struct {
	c    *catalog.Catalog
	seen []*catalog.Function
	best *unqualifiedName
}

// followCalls reads the functions of the catalog that an expression calls.
func (x *assumedPath) followCalls(n *pgparse.Node, maybe bool) {
	pgparse.Walk(n, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok {
			if list := x.functionsOf(call); len(list) == 1 {
				x.readFunction(list[0], maybe)
			}
		}
		return true
	})
}

// functionsOf returns the overloads that a call may mean; nil for a function of the server.
func (x *assumedPath) functionsOf(call *pgparse.FuncCall) []*catalog.Function {
	schema, name := pgparse.SchemaAndName(call.GetFuncname())
	if schema == "" {
		if _, known := builtin.Volatility(name, -1, onward.NewestMajor); known {
			return nil
		}
	}
	return x.c.Functions(schema, name)
}

// readFunction looks for names without a schema in the body of a function that runs with its caller's search_path.
func (x *assumedPath) readFunction(fn *catalog.Function, maybe bool) {
	body := strings.ToLower(fn.Body)
	if fn.SetSearchPath || fn.Body == "" || slices.Contains(x.seen, fn) || strings.Contains(body, "search_path") || strings.Contains(body, "temp") {
		return
	}
	x.seen = append(x.seen, fn)
	var parts []pgparse.Part
	switch fn.Language {
	case "sql":
		parts = []pgparse.Part{{SQL: fn.Body}}
	case "plpgsql":
		parts = pgparse.ReadBody(fn.Body).Parts
	}
	for _, part := range parts {
		if part.Caught {
			continue
		}
		if name := findUnqualifiedTableIn(x.c, part.SQL); name != "" {
			x.recordName(fn, "relation "+name, maybe || part.Maybe)
		}
		file, err := pgparse.SplitText(part.SQL)
		if err != nil {
			continue
		}
		for i := range file.Stmts {
			x.readCalls(fn, file.Stmts[i].Node, maybe || part.Maybe)
		}
	}
}

// readCalls looks at the calls in one statement of a body.
func (x *assumedPath) readCalls(fn *catalog.Function, n *pgparse.Node, maybe bool) {
	pgparse.Walk(n, func(msg any) bool {
		call, ok := msg.(*pgparse.FuncCall)
		if !ok {
			return true
		}
		list := x.functionsOf(call)
		if schema, name := pgparse.SchemaAndName(call.GetFuncname()); schema == "" && len(list) > 0 && list[0].Name.Schema != "pg_catalog" {
			x.recordName(fn, "function "+name+"()", maybe)
		}
		if len(list) == 1 {
			x.readFunction(list[0], maybe)
		}
		return true
	})
}

func (x *assumedPath) recordName(fn *catalog.Function, name string, maybe bool) {
	if x.best == nil || x.best.maybe && !maybe {
		x.best = &unqualifiedName{fn, name, maybe}
	}
}
