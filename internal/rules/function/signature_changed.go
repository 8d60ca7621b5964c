package function

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SignatureChanged flags a function that comes back with other arguments or
// another result, and an overload that makes calls ambiguous.
// https://www.postgresql.org/docs/current/xfunc-overload.html
var SignatureChanged = &rule.Rule{
	ID:       "function-signature-changed",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a function comes back with other arguments or another result than the deployed code expects",
	Harm: "Calls from the old code fail with \"function does not exist\", or get a result of another shape. " +
		"CREATE OR REPLACE with another argument list replaces nothing: it makes a second function, and when its further arguments have defaults, " +
		"calls that suit both fail with \"function is not unique\".",
	Instead: "Keep the old signature for one more release, beside the new one under another name.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-NOTES",
		"https://www.postgresql.org/docs/current/xfunc-overload.html",
	},
	Commit: checkSignatureChanged,
}

func checkSignatureChanged(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		switch d.Kind {
		case catalog.FunctionDropped:
			judgeReplacedFunction(p, t, d)
		case catalog.FunctionCreated:
			judgeOverload(p, t, d)
		}
	}
}

// judgeReplacedFunction judges a function whose name is still there at commit.
func judgeReplacedFunction(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	old := d.OldFunction
	now := t.After.Functions(old.Name.Schema, old.Name.Name)
	if len(now) == 0 || !p.DeployedFunction(old) || !old.IsCalledByQueries() {
		return
	}
	stmt := d.By
	if c := t.FindChange(catalog.FunctionCreated, func(o *rule.Delta) bool { return o.NewFunction.Name == old.Name }); c != nil {
		stmt = c.By
	}
	u := p.Code.UsesFunction(old.Name)
	u.Functions = findBrokenCallers(p, t, old)
	r := rule.Report{Severity: u.NameSeverity(), Evidence: u.AllEvidence(), Instead: "keep the old one for one more release, and give the new one another name"}
	match := slices.IndexFunc(now, func(f *catalog.Function) bool {
		return f.TakesArguments(old.Args) && isProcedure(f) == isProcedure(old)
	})
	switch {
	case match < 0:
		r.Fact = old.Kind + " " + old.Signature() + " becomes " + now[len(now)-1].Signature()
		if isProcedure(now[len(now)-1]) != isProcedure(old) {
			r.Fact += ", a " + now[len(now)-1].Kind
		}
		r.Harm = u.DescribeBreak("the old arguments")
	case len(u.Functions) > 0:
		r.Fact = old.Kind + " " + old.Signature() + " becomes one without a default or a name of its arguments"
		r.Harm, r.Severity = u.DescribeBreak("the old arguments"), u.FunctionSeverity()
	case old.Returns.IsKnown() && now[match].Returns.IsKnown() && (!old.Returns.IsAlike(now[match].Returns) || old.ReturnsSet != now[match].ReturnsSet):
		r.Fact = old.Kind + " " + old.Signature() + " returns " + describeResult(now[match]) + " (was " + describeResult(old) + ")"
		r.Harm = u.DescribeBreak("the old result")
	default:
		return
	}
	p.Report(stmt, r)
}

func isProcedure(f *catalog.Function) bool { return f.Kind == "procedure" }

// findBrokenCallers lists the functions that exist at commit and call a dropped function in a way that no other function of its name takes.
func findBrokenCallers(p *rule.Pass, t *rule.Tx, old *catalog.Function) []analysis.FunctionUse {
	now := append(slices.Clone(t.After.Functions(old.Name.Schema, old.Name.Name)), t.After.Functions("", old.Name.Name)...)
	return p.FunctionBodies(t).FindCalling(old.Name, t.Migration.After(), func(call *pgparse.FuncCall) bool {
		return old.AcceptsCall(call, nil) && !slices.ContainsFunc(now, func(f *catalog.Function) bool {
			return isProcedure(f) == isProcedure(old) && f.AcceptsCall(call, old)
		})
	})
}

// judgeOverload judges a new overload that can be called like an old one.
func judgeOverload(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	f := d.NewFunction
	for _, old := range t.After.Functions(f.Name.Schema, f.Name.Name) {
		if old.OID == f.OID || !p.DeployedFunction(old) {
			continue
		}
		n, both := sharedArgCount(old, f)
		if !both {
			continue
		}
		r := rule.Report{
			Fact:    "this makes a second " + f.Kind + " " + f.Name.String() + ": " + old.Signature() + " is still there",
			Harm:    "calls with the old arguments suit both and fail, in the deployed code too: function " + old.Signature() + " is not unique",
			Instead: "give the new one another name, or drop the old one in the same transaction:\nDROP FUNCTION " + old.Signature() + ";",
		}
		if n < len(old.Args) {
			// Calls with all arguments go on.
			u := p.Code.UsesFunction(old.Name)
			r.Severity, r.Evidence = onward.Warning, u.Evidence
			if u.IsIdle() {
				r.Severity = onward.Info
			}
			short := *old
			short.Args = old.Args[:n]
			r.Harm = "calls that leave the defaults to the function suit both and fail, in the deployed code too: function " + short.Signature() + " is not unique"
		}
		p.Report(d, r)
		return
	}
}

// sharedArgCount is with how many arguments a call suits both of two functions, at
// least one of which fills in defaults then: the server cannot choose.
func sharedArgCount(a, b *catalog.Function) (n int, both bool) {
	n = max(len(a.Args)-a.Defaults, len(b.Args)-b.Defaults)
	if n > len(a.Args) || n > len(b.Args) || a.Variadic || b.Variadic {
		return 0, false
	}
	// The more arguments, the more calls.
	for m := min(len(a.Args), len(b.Args)); m >= n; m-- {
		if slices.EqualFunc(a.Args[:m], b.Args[:m], catalog.Type.IsAlike) {
			return m, m < len(a.Args) || m < len(b.Args)
		}
	}
	return 0, false
}
