package function

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ReplaceRefused flags CREATE OR REPLACE FUNCTION with another result, other
// names of parameters or fewer defaults than the function has.
// https://www.postgresql.org/docs/current/sql-createfunction.html
var ReplaceRefused = &rule.Rule{
	ID:       "function-replace-refused",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Stops:    true,
	Summary:  "CREATE OR REPLACE cannot change what a function returns, what its parameters are called, or take defaults away",
	Harm: "CREATE OR REPLACE FUNCTION keeps the function's identity, so views, triggers and indexes go on using it. " +
		"With another result, with another name of an input parameter, with fewer defaults, or as a procedure instead of a function, the server refuses it, " +
		"and the migration fails.",
	Instead: "Give the new function another name, and drop the old one when no deployed code calls it any more. " +
		"Keep the names of parameters and their defaults.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createfunction.html"},
	Kinds:     rule.Another,
	Statement: checkReplaceRefused,
}

func checkReplaceRefused(p *rule.Pass, s *rule.Stmt) {
	if len(s.Problems) == 0 || s.IsOptional() || s.RefusedRule() != p.Rule.ID {
		return
	}
	problem := s.Problems[0]
	old, now := problem.Replaced, problem.By
	signature := old.Signature()
	r := rule.Report{
		Fact:    "CREATE OR REPLACE " + strings.ToUpper(now.Kind) + " " + signature + " is refused: " + problem.Message(),
		Harm:    "the migration fails there, and with it the deploy",
		Instead: "give the new one another name, and drop the old one in a later release:\nDROP " + strings.ToUpper(old.Kind) + " " + signature + ";",
		Stops:   problem.Certain,
	}
	switch problem.Kind {
	case pgerror.ReplaceResult:
		r.Harm = "the migration fails: " + problem.Message()
		r.Fact = "CREATE OR REPLACE gives " + signature + " another result: "
		if oldResult, newResult := describeResult(old), describeResult(now); oldResult != newResult {
			r.Fact += newResult + " (was " + oldResult + ")"
		} else {
			r.Fact += "other columns"
		}
	case pgerror.ReplaceName:
		r.Instead = "keep the parameter's name: code may say it in a call"
	case pgerror.ReplaceDefaults:
		r.Instead = "keep the defaults: code may leave the arguments out of a call"
	}
	if !problem.Certain {
		r.Severity = onward.Warning
		r.Harm = "the migration fails there, unless something unseen (" + s.Before.Unmodelled.Text + ") changed the function before"
	}
	p.Report(s, r)
}
