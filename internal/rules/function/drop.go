package function

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Drop flags DROP FUNCTION, PROCEDURE and AGGREGATE.
// https://www.postgresql.org/docs/current/sql-dropfunction.html
var Drop = &rule.Rule{
	ID:       "function-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   onward.Recommended,
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
		} else if last := s.Migration.Txs[len(s.Migration.Txs)-1].After; s.IfExists() &&
			(p.Release.Known || !p.Release.Deployed.IsBlank("") || len(last.Functions(o.Schema, o.Name.Name)) > 0) {
			continue // nothing tells that it is there
		}
		if len(s.Tx.After.Functions(name.Schema, name.Name)) > 0 {
			continue // function-signature-changed compares them
		}
		if len(before) > 0 && !slices.ContainsFunc(before, func(f *catalog.Function) bool { return isCalledByQueries(f) && p.DeployedFunction(f) }) {
			continue
		}
		u := usesOfTaken(p, s, name)
		p.Report(s, rule.Report{
			Fact:     "function " + name.String() + " is dropped",
			Harm:     u.DescribeBreak("the function"),
			Unused:   name.String(),
			Instead:  "drop it a release later, when no old code runs any more",
			Severity: severityOfUse(u),
			Evidence: u.AllEvidence(),
		})
	}
}
