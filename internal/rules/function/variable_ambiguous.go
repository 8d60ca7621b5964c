package function

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// VariableAmbiguous flags a new PL/pgSQL function whose query has a name that is a variable and a column.
// https://www.postgresql.org/docs/current/plpgsql-implementation.html#PLPGSQL-VAR-SUBST
var VariableAmbiguous = &rule.Rule{
	ID:       "function-variable-ambiguous",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a new PL/pgSQL function fails when it is called: a name is a variable and a column",
	Harm: "CREATE FUNCTION does not look up the names in a body. A parameter, a column of RETURNS TABLE or a variable may have the name of a column. " +
		"If a query then names it without a table, each call that comes there fails: \"column reference is ambiguous\". " +
		"ON CONFLICT (column) cannot name a table at all. From Postgres 18 on, NEW and OLD in RETURNING are the changed row as well as the trigger's.",
	Instead: "Name the column with its table, give the variable another name, or write #variable_conflict use_column at the top of the body.",
	Manual:  []string{"https://www.postgresql.org/docs/current/plpgsql-implementation.html#PLPGSQL-VAR-SUBST"},
	Gather:  gatherAmbiguousFunctions,
	Release: checkVariableAmbiguous,

	BreaksNewCode: true,
}

// madeFunction is a function that a migration creates or replaces.
type madeFunction struct {
	by *rule.Stmt
	fn *catalog.Function
}

func gatherAmbiguousFunctions(p *rule.Pass, m *rule.Migration) {
	for t, d := range m.EachChange() {
		if d.Kind != catalog.FunctionCreated && d.Kind != catalog.FunctionReplaced || d.By == nil || d.NewFunction.Language != "plpgsql" {
			continue
		}
		if _, _, found := catalog.ReadBody(d.NewFunction).FindAmbiguous(t.After, true); found {
			p.KeepValue(madeFunction{d.By, d.NewFunction})
		}
	}
}

// checkVariableAmbiguous judges the functions at the end of the release, because a later migration may replace one.
func checkVariableAmbiguous(p *rule.Pass, r *rule.Release) {
	for _, newFunction := range rule.KeptValues[madeFunction](p) {
		if !analysis.IsFunctionUnchanged(r.Head, newFunction.fn) {
			continue
		}
		name, place, found := catalog.ReadBody(newFunction.fn).FindAmbiguous(r.Head, p.AtLeast(18))
		if !found {
			continue
		}
		report := rule.Report{
			Fact: "function " + newFunction.fn.Signature() + " fails when it is called: " + name + " is a variable and a column in " + prose.OneLine(place.Text),
			Harm: "each call fails: column reference \"" + name + "\" is ambiguous",
			Instead: "name the column with its table, or give the variable another name; if ON CONFLICT names it, write this as the first line of the body:\n" +
				"#variable_conflict use_column",
			Evidence: []onward.Evidence{{Kind: "function", Text: newFunction.fn.Signature() + ": " + prose.OneLine(place.Text)}},
		}
		if place.Maybe {
			report.Severity = onward.Warning
			report.Harm = "each call that comes there fails: column reference \"" + name + "\" is ambiguous"
		}
		p.Report(newFunction.by, report)
	}
}
