package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Volatility is the worst volatility of what an expression calls on a major
// version: a default that is not volatile is evaluated once for all rows.
// unknown names the functions that neither Postgres nor the catalog has; they
// count as volatile, as functions are unless they say otherwise.
func (c *Catalog) Volatility(expr *pgparse.Node, major int) (worst builtin.Vol, unknown []string) {
	if expr == nil {
		return builtin.Immutable, nil
	}
	see := func(v builtin.Vol) { worst = max(worst, v) }
	pgparse.Walk(expr, func(msg any) bool {
		switch m := msg.(type) {
		case *pgparse.FuncCall:
			v, known := c.callVolatility(m, major)
			see(v)
			if name := last(m.GetFuncname()); !known && !slices.Contains(unknown, name) {
				unknown = append(unknown, name)
			}
		case *pgparse.SQLValueFunction:
			see(builtin.SQLValueFunction)
		case *pgparse.NextValueExpr:
			see(builtin.Volatile)
		case *pgparse.SubLink:
			// A query: no default or check may have one.
			see(builtin.Volatile)
		}
		return true
	})
	return worst, unknown
}

func (c *Catalog) callVolatility(call *pgparse.FuncCall, major int) (v builtin.Vol, known bool) {
	schema, name := schemaAndName(call.GetFuncname())
	nargs := len(call.GetArgs())
	if schema == "" || schema == "pg_catalog" {
		if v, known = builtin.Volatility(name, nargs, major); known || schema != "" {
			return v, known
		}
	}
	// The worst of the overloads that take so many arguments.
	for _, fn := range c.Functions(schema, name) {
		if nargs > len(fn.Args) && !fn.Variadic || nargs < len(fn.Args)-fn.Defaults {
			continue
		}
		known = true
		switch fn.Volatility {
		case "volatile":
			v = builtin.Volatile
		case "stable":
			v = max(v, builtin.Stable)
		}
	}
	if !known {
		if w, ok := ExtensionFunction(name); ok {
			return w, true
		}
		return builtin.Volatile, false
	}
	return v, known
}

// ExtensionFunction is the volatility of a function of an extension that comes
// with Postgres: in whatever schema it was put, its name is its own.
func ExtensionFunction(name string) (v builtin.Vol, known bool) {
	v, known = extensionFunctions[name]
	return v, known
}

// extensionFunctions are those of the extensions that come with Postgres which
// defaults call.
var extensionFunctions = map[string]builtin.Vol{
	"uuid_generate_v1": builtin.Volatile, "uuid_generate_v1mc": builtin.Volatile, "uuid_generate_v4": builtin.Volatile,
	"uuid_generate_v3": builtin.Immutable, "uuid_generate_v5": builtin.Immutable,
	"uuid_nil": builtin.Immutable, "uuid_ns_dns": builtin.Immutable, "uuid_ns_url": builtin.Immutable,
	"uuid_ns_oid": builtin.Immutable, "uuid_ns_x500": builtin.Immutable,
	"gen_random_uuid": builtin.Volatile, "gen_random_bytes": builtin.Volatile, "gen_salt": builtin.Volatile,
	"digest": builtin.Immutable, "hmac": builtin.Immutable, "crypt": builtin.Immutable, "unaccent": builtin.Stable,
	"hstore": builtin.Immutable,
}
