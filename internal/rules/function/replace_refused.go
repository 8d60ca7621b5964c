package function

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ReplaceRefused flags CREATE OR REPLACE FUNCTION with another result than the
// function has. https://www.postgresql.org/docs/current/sql-createfunction.html
var ReplaceRefused = &rule.Rule{
	ID:        "function-replace-refused",
	Category:  onward.ReleaseOrder,
	Severity:  onward.Error,
	Preset:    rule.Recommended,
	Summary:   "CREATE OR REPLACE cannot change what a function returns",
	Harm:      "CREATE OR REPLACE FUNCTION keeps the function's identity, so that views, triggers and indexes go on using it. With another result type the server refuses it, and the migration fails.",
	Instead:   "Give the new function another name, and drop the old one when no deployed code calls it any more.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createfunction.html"},
	Kinds:     rule.Another,
	Statement: replaceRefused,
}

func replaceRefused(p *rule.Pass, s *rule.Stmt) {
	if !s.Node.GetCreateFunctionStmt().GetReplace() {
		return
	}
	for i := range s.Deltas {
		d := &s.Deltas[i]
		if d.Kind != catalog.FunctionReplaced {
			continue
		}
		old, now := d.OldFunction, d.NewFunction
		if !old.Returns.Known() || !now.Returns.Known() || sameType(old.Returns, now.Returns) && old.ReturnsSet == now.ReturnsSet {
			continue
		}
		p.Report(s, rule.Report{
			Fact:    "CREATE OR REPLACE gives " + old.Signature() + " another result: " + returns(now) + " (was " + returns(old) + ")",
			Harm:    "the migration fails: cannot change return type of existing function",
			Instead: "give the new one another name, and drop the old one in a later release:\nDROP FUNCTION " + old.Signature() + ";",
		})
	}
}
