package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
)

// replacedFunction is a new function that got the name of a deployed one that is gone.
type replacedFunction struct {
	by       *rule.Stmt
	old, now *catalog.Function
}

// rememberReplacement keeps a function that may become one. Trigger functions are nobody's to
// call: the server runs them for whoever writes to the table.
func rememberReplacement(p *rule.Pass, d *rule.Delta) {
	fn := d.NewFunction
	if d.Kind != catalog.FunctionCreated && d.Kind != catalog.FunctionRenamed || d.By == nil || fn == nil || p.DeployedFunction(fn) {
		return
	}
	if t := fn.Returns.Name.Name; t == "trigger" || t == "event_trigger" {
		return
	}
	if len(p.Release.Deployed.Functions(fn.Name.Schema, fn.Name.Name)) > 0 {
		p.KeepValue(replacedFunction{by: d.By, now: fn})
	}
}

// listReplacedFunctions are the functions of a release that took the place of a deployed one: with
// its arguments, or of the only one that had the name.
func listReplacedFunctions(p *rule.Pass, r *rule.Release) []replacedFunction {
	var out []replacedFunction
	for _, x := range rule.KeptValues[replacedFunction](p) {
		name := x.now.Name
		list := r.Head.Functions(name.Schema, name.Name)
		index := slices.IndexFunc(list, func(f *catalog.Function) bool { return f.OID == x.now.OID })
		if index < 0 {
			continue
		}
		x.now = list[index]
		before := r.Deployed.Functions(name.Schema, name.Name)
		removedFunctions := slices.DeleteFunc(slices.Clone(before), func(o *catalog.Function) bool {
			return slices.ContainsFunc(list, func(f *catalog.Function) bool { return f.OID == o.OID })
		})
		for _, o := range removedFunctions {
			if len(before) == 1 || o.Signature() == x.now.Signature() {
				x.old = o
			}
		}
		if x.old != nil && !slices.ContainsFunc(out, func(o replacedFunction) bool { return o.now == x.now }) {
			out = append(out, x)
		}
	}
	return out
}

// formatExecute is a GRANT or REVOKE of EXECUTE on the new function.
func (x replacedFunction) formatExecute(verb, to string, roles []string) string {
	args := make([]string, len(x.now.Args))
	for i, a := range x.now.Args {
		args[i] = a.String()
	}
	return verb + " EXECUTE ON " + strings.ToUpper(x.now.Kind) + " " + analysis.QuoteTable(x.now.Name) + "(" + strings.Join(args, ", ") + ") " + to + " " +
		strings.Join(roles, ", ") + ";"
}
