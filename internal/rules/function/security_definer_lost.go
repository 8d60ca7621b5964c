package function

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SecurityDefinerLost flags CREATE OR REPLACE FUNCTION that does not say SECURITY
// DEFINER again. https://www.postgresql.org/docs/current/sql-createfunction.html
var SecurityDefinerLost = &rule.Rule{
	ID:       "function-security-definer-lost",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "CREATE OR REPLACE FUNCTION takes SECURITY DEFINER away by leaving it out",
	Harm: "CREATE OR REPLACE keeps the owner and the privileges, and nothing else: what the statement does not say goes back to its default. " +
		"The function runs as its caller from then on, who may lack the privileges, or row level security may bind it: " +
		"a helper of policies ends in \"permission denied\" or in their recursion.",
	Instead: "Write SECURITY DEFINER and SET search_path again, or SECURITY INVOKER if you mean that.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createfunction.html"},
	Commit:  checkSecurityDefinerLost,
}

func checkSecurityDefinerLost(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.FunctionReplaced || d.By == nil || !d.OldFunction.SecurityDefiner || d.NewFunction.SecurityDefiner ||
			!p.DeployedFunction(d.OldFunction) {
			continue
		}
		if d.By.Node.GetCreateFunctionStmt() == nil || strings.Contains(strings.ToLower(d.By.SQL), "invoker") {
			continue // it says so
		}
		p.Report(d, rule.Report{
			Fact:    d.NewFunction.Kind + " " + d.NewFunction.Signature() + " is no longer SECURITY DEFINER: CREATE OR REPLACE resets what it leaves out",
			Harm:    "it runs with the privileges of its caller from now on, and under the row level security of the caller",
			Instead: "say it again in the statement:\n… SECURITY DEFINER SET search_path = '' AS …",
		})
	}
}
