package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// aggregateNames are the server's aggregates of any version, without those that need WITHIN GROUP.
var aggregateNames = []string{
	"any_value", "array_agg", "avg", "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "corr", "count", "covar_pop", "covar_samp", "every",
	"json_agg", "json_agg_strict", "json_object_agg", "json_object_agg_strict", "json_object_agg_unique", "json_object_agg_unique_strict",
	"jsonb_agg", "jsonb_agg_strict", "jsonb_object_agg", "jsonb_object_agg_strict", "jsonb_object_agg_unique", "jsonb_object_agg_unique_strict",
	"max", "min", "range_agg", "range_intersect_agg", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept", "regr_r2", "regr_slope",
	"regr_sxx", "regr_sxy", "regr_syy", "stddev", "stddev_pop", "stddev_samp", "string_agg", "sum", "var_pop", "var_samp", "variance", "xmlagg",
}

// setReturningNames are the server's functions of any version that return a set, without those that read its state.
var setReturningNames = []string{
	"aclexplode", "generate_series", "generate_subscripts", "json_array_elements", "json_array_elements_text", "json_each", "json_each_text",
	"json_object_keys", "json_populate_recordset", "json_to_recordset", "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_each",
	"jsonb_each_text", "jsonb_object_keys", "jsonb_path_query", "jsonb_path_query_tz", "jsonb_populate_recordset", "jsonb_to_recordset",
	"regexp_matches", "regexp_split_to_table", "string_to_table", "txid_snapshot_xip", "unnest",
}

// IsAggregate reports whether a function is an aggregate of the server.
func IsAggregate(name string) bool { return slices.Contains(aggregateNames, name) }

// findRowlessCall returns why a target of a view's query makes the view read-only: it calls a function that does not give one value for
// each row. One in a query of its own does not count. known reports whether that is sure of all functions that the target calls.
func (c *Catalog) findRowlessCall(n *pgparse.Node) (why string, known bool) {
	known = true
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.SubLink:
			return false
		case *pgparse.JsonAggConstructor:
			why = aggregateInView
		case *pgparse.FuncCall:
			if x.GetOver() != nil || x.GetAggStar() || x.GetAggDistinct() || x.GetAggFilter() != nil || len(x.GetAggOrder()) > 0 {
				why = aggregateInView
				break
			}
			switch reasons := c.listRowlessReasons(pgparse.SchemaAndName(x.GetFuncname())); len(reasons) {
			case 1:
				why = reasons[0]
			default:
				known = false
			}
		}
		return why == ""
	})
	return why, known
}

const (
	aggregateInView = "views that return aggregate or window functions are not automatically updatable"
	setInView       = "views that return set-returning functions are not automatically updatable"
)

// listRowlessReasons lists what the functions of a name, each kind once, say against a view: "" is nothing. It is empty if there is none.
func (c *Catalog) listRowlessReasons(schema, name string) []string {
	var out []string
	for _, fn := range c.Functions(schema, name) {
		switch {
		case fn.Kind == "aggregate":
			out = append(out, aggregateInView)
		case fn.ReturnsSet:
			out = append(out, setInView)
		default:
			out = append(out, "")
		}
	}
	switch isBuiltIn := schema == "" || schema == "pg_catalog"; {
	case isBuiltIn && IsAggregate(name):
		out = append(out, aggregateInView)
	case isBuiltIn && slices.Contains(setReturningNames, name):
		out = append(out, setInView)
	case isBuiltIn && builtin.Known(name) || builtin.FindExtension(builtin.Function, name) != "":
		out = append(out, "")
	}
	slices.Sort(out)
	return slices.Compact(out)
}
