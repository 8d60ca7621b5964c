package function

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PathEmpty flags a function with an empty search_path of its own whose body
// names tables without their schema.
// https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY
var PathEmpty = &rule.Rule{
	ID:       "function-path-empty",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a function with an empty search_path names a table without its schema",
	Harm: "SET search_path = '' is the safe setting of a SECURITY DEFINER function, but with it no name without a schema is found. " +
		"Neither ALTER FUNCTION nor CREATE FUNCTION in PL/pgSQL looks at the body: the first call fails with \"relation does not exist\", " +
		"and for the function of a trigger that is every write of its table.",
	Instead: "Write the schema before each table, function and type of the body.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY"},
	Commit:  checkPathEmpty,
}

func checkPathEmpty(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.FunctionCreated && d.Kind != catalog.FunctionReplaced || !d.NewFunction.EmptyPath || d.By == nil {
			continue
		}
		fn := d.NewFunction
		if old := d.OldFunction; old != nil && old.EmptyPath && old.Body == fn.Body {
			continue
		}
		name, maybe := findUnqualifiedTable(t.After, fn)
		if name == "" {
			continue
		}
		r := rule.Report{
			Fact:    "function " + fn.Signature() + " names " + name + " without a schema, and its search_path is empty",
			Harm:    "each call fails: relation \"" + name + "\" does not exist",
			Instead: "write public." + name + " in the body",
		}
		if fn.Returns.Name.Name == "trigger" {
			r.Harm = "each write that fires it fails: relation \"" + name + "\" does not exist"
		}
		if maybe {
			r.Severity = onward.Warning
			r.Harm = strings.Replace(r.Harm, " fails:", " fails when it gets there:", 1)
		}
		p.Report(d, r)
	}
}

// findUnqualifiedTable returns the first table of public that a body names without its schema;
// maybe when a call need not come there. What it may make itself, or look for by
// another path, is not looked at.
func findUnqualifiedTable(c *catalog.Catalog, fn *catalog.Function) (name string, maybe bool) {
	body := strings.ToLower(fn.Body)
	if strings.Contains(body, "search_path") || strings.Contains(body, "temp") {
		return "", false
	}
	if fn.Language == "sql" {
		return findUnqualifiedTableIn(c, fn.Body), false
	}
	if fn.Language != "plpgsql" {
		return "", false
	}
	for _, part := range pgparse.ReadBody(fn.Body).Parts {
		if part.Caught {
			continue
		}
		switch found := findUnqualifiedTableIn(c, part.SQL); {
		case found != "" && !part.Maybe:
			return found, false
		case found != "" && name == "":
			name, maybe = found, true
		}
	}
	return name, maybe
}

// findUnqualifiedTableIn returns the first table of public that a text names without its schema.
func findUnqualifiedTableIn(c *catalog.Catalog, text string) string {
	file, err := pgparse.SplitText(text)
	if err != nil {
		return ""
	}
	for i := range file.Stmts {
		for _, rv := range query.ListRelations(file.Stmts[i].Node) {
			if r := c.Lookup("public", rv.GetRelname()); rv.GetSchemaname() == "" && r != nil && !r.Inferred {
				return rv.GetRelname()
			}
		}
	}
	return ""
}
