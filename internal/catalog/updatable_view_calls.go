package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// findRowlessCall returns why a target of a view's query makes the view read-only: it calls a function that does not return one value for
// each row, such as count(*). A call in a sub-query does not count. known is false if the kind of a called function is not certain.
func (c *Catalog) findRowlessCall(n *pgparse.Node) (reason string, known bool) {
	known = true
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.SubLink:
			return false
		case *pgparse.JsonAggConstructor:
			reason = aggregateInView
		case *pgparse.FuncCall:
			if x.GetOver() != nil || x.GetAggStar() || x.GetAggDistinct() || x.GetAggFilter() != nil || len(x.GetAggOrder()) > 0 {
				reason = aggregateInView
				break
			}
			switch reasons := c.listRowlessReasons(pgparse.SchemaAndName(x.GetFuncname())); len(reasons) {
			case 1:
				reason = reasons[0]
			default:
				known = false
			}
		}
		return reason == ""
	})
	return reason, known
}

const (
	aggregateInView = "views that return aggregate or window functions are not automatically updatable"
	setInView       = "views that return set-returning functions are not automatically updatable"
)

// listRowlessReasons lists, each once, why the functions of a name make a view read-only; "" for a function that does not. It is empty
// if no function of the name is known.
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
	case isBuiltIn && builtin.Known(name):
		if builtin.IsAggregate(name) {
			out = append(out, aggregateInView)
		}
		if builtin.ReturnsSet(name) {
			out = append(out, setInView)
		}
		if builtin.GivesOneValue(name) {
			out = append(out, "")
		}
	case builtin.FindExtension(builtin.Function, name) != "":
		out = append(out, "")
	}
	slices.Sort(out)
	return slices.Compact(out)
}
