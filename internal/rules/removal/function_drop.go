package removal

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// FunctionDrop flags DROP FUNCTION, PROCEDURE and AGGREGATE.
// https://www.postgresql.org/docs/current/sql-dropfunction.html
var FunctionDrop = &rule.Rule{
	ID:       "function-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP FUNCTION breaks deployed code that calls the function",
	Harm: "Calls from the old code, and from the bodies of other functions, fail with \"function does not exist\". " +
		"The server looks for triggers, views and defaults that use the function, not for the bodies of other functions, and not for code.",
	Instead:   "Drop it a release after the code that called it.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropfunction.html"},
	Kinds:     rule.Drop,
	Statement: checkFunctionDrop,
}

func checkFunctionDrop(p *rule.Pass, s *rule.Stmt) {
	for _, o := range s.ListDrops(pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE,
		pgparse.ObjectType_OBJECT_AGGREGATE) {
		before := s.Before.Functions(o.Schema, o.Name.Name)
		name := o.Name
		if len(before) > 0 {
			name = before[0].Name
		} else if s.IfExists() && (!isSchemaUnknown(p) || len(s.Migration.After().Functions(o.Schema, o.Name.Name)) > 0) {
			continue // nothing tells that it is there
		}
		if len(s.Tx.After.Functions(name.Schema, name.Name)) > 0 {
			continue // function-signature-changed compares them
		}
		if len(before) > 0 && !slices.ContainsFunc(before, func(f *catalog.Function) bool { return f.IsCalledByQueries() && p.DeployedFunction(f) }) {
			continue
		}
		r := describeDrop("function", name.String(), findFunctionUses(p, s, name))
		if recreation := findFunctionRecreation(s, name, before); recreation != nil {
			r.Fact += " and made again in another transaction, at " + recreation.RelativePlace(s)
			r.Harm = "calls of the deployed code in between fail: function " + name.String() + "(…) does not exist"
			r.Instead, r.Severity = "do both in one transaction", min(r.Severity, onward.Warning)
		}
		p.Report(s, r)
	}
}

// findFunctionRecreation returns the statement of the same migration, after the transaction, that makes a function which takes the calls of each dropped
// one; nil if there is none.
func findFunctionRecreation(s *rule.Stmt, name catalog.Name, before []*catalog.Function) *rule.Stmt {
	last := s.Tx.Statements[len(s.Tx.Statements)-1]
	for _, recreation := range rule.StatementsAfter(rule.StatementsOf[*pgparse.Node_CreateFunctionStmt](s.Migration), last) {
		now := recreation.After.Functions(name.Schema, name.Name)
		misses := func(old *catalog.Function) bool {
			return !slices.ContainsFunc(now, func(f *catalog.Function) bool {
				return f.TakesArguments(old.Args) && f.Kind == old.Kind && f.ReturnsSet == old.ReturnsSet && (!old.Returns.IsKnown() || old.Returns.IsAlike(f.Returns))
			})
		}
		if len(before) > 0 && !slices.ContainsFunc(before, misses) {
			return recreation
		}
	}
	return nil
}

// findFunctionUses returns the known uses of a function that a statement drops or renames: by the
// deployed code, and by the functions that exist at commit.
func findFunctionUses(p *rule.Pass, s *rule.Stmt, name catalog.Name) analysis.Usage {
	u := p.Code.UsesFunction(name)
	u.Functions = p.FunctionBodies(s.Tx).FindCalling(name, s.Migration.After(), nil)
	return u
}
