package function

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SecurityDefinerSearchPath flags SECURITY DEFINER functions that look names up
// in the caller's search_path.
// https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
var SecurityDefinerSearchPath = &rule.Rule{
	ID:       "function-security-definer-search-path",
	Category: onward.Security,
	Severity: onward.Warning,
	OnlyIn:   onward.SecuritySet,
	Summary:  "a SECURITY DEFINER function has no search_path of its own",
	Harm: "The function runs with its owner's privileges and looks names up where its caller says. " +
		"A caller who may create objects in any schema, pg_temp included, puts a table or an operator of the same name first, and runs code as the owner.",
	Instead: "Add SET search_path = pg_catalog, …, pg_temp to the function: trusted schemas only, pg_temp last.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY"},
	Commit:  checkSecurityDefinerSearchPath,
}

func checkSecurityDefinerSearchPath(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		f := d.NewFunction
		if d.Kind != catalog.FunctionCreated && d.Kind != catalog.FunctionReplaced || !f.SecurityDefiner || d.By == nil {
			continue
		}
		fact, harm := describePathProblem(f)
		if fact == "" {
			continue
		}
		schema := pgparse.QuoteIdent(f.Name.Schema)
		p.Report(d, rule.Report{
			Fact: f.Kind + " " + f.Signature() + " is SECURITY DEFINER and " + fact,
			Harm: harm,
			Instead: "pin it, trusted schemas only and pg_temp last:\nALTER " + strings.ToUpper(f.Kind) + " " + f.Signature() + " SET search_path = " + schema +
				", pg_temp;",
		})
	}
}

// describePathProblem says what is wrong with the search_path of a function; "" for nothing.
func describePathProblem(f *catalog.Function) (fact, harm string) {
	switch {
	case !f.SetSearchPath:
		return "has no search_path of its own", "anyone who may call it chooses which tables, functions and operators its names mean, and runs them as its owner"
	case f.Path == nil && !f.EmptyPath:
		return "takes its search_path from the session that made it", "which schemas it trusts depends on who ran the migration, " +
			"and its caller's temporary tables come first"
	case slices.Contains(f.Path, "pg_temp") && f.Path[len(f.Path)-1] != "pg_temp":
		return "has pg_temp in its search_path before other schemas", "anyone who may call it puts a temporary table in the place of one that it names, " +
			"and it works on that as its owner"
	}
	return "", ""
}
