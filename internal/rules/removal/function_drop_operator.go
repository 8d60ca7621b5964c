package removal

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// FunctionDropOperator flags DROP OPERATOR and DROP CAST.
// https://www.postgresql.org/docs/current/sql-dropoperator.html
var FunctionDropOperator = &rule.Rule{
	ID:       "function-drop-operator",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP OPERATOR or DROP CAST breaks queries that use the operator or the cast",
	Harm: "Queries and bodies of functions that use the operator fail with \"operator does not exist\". " +
		"Those that need the cast fail with \"cannot cast type\", and an INSERT that used it without saying so fails too. " +
		"The server looks for views, defaults and indexes that use an operator. It does not look for functions whose bodies are text, nor for code.",
	Instead:   "Drop it a release after the code that used it.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropoperator.html", "https://www.postgresql.org/docs/current/sql-dropcast.html"},
	Kinds:     rule.Drop,
	Statement: checkOperatorDrop,
}

func checkOperatorDrop(p *rule.Pass, s *rule.Stmt) {
	for _, o := range s.ListDrops(pgparse.ObjectType_OBJECT_OPERATOR) {
		if !hasOperator(p.Release.Deployed, o.Name.Name) && (s.IfExists() || hasOperator(s.Before, o.Name.Name)) {
			continue // nothing tells that it is there, or the release made it
		}
		u := p.Code.UsesFunction(o.Name)
		if pgparse.CommonOperator(o.Name.Name) && !u.Used {
			u = analysis.Usage{} // the server has others of the name
		}
		r := describeDrop("operator", o.Name.Name, u)
		r.Unused = ""
		if usingFunction := findOperatorUser(s.Before, o.Name.Name); usingFunction != "" {
			r.Severity = onward.Error
			r.Fact += ", and " + usingFunction + " uses it"
			r.Harm = "each call fails with operator does not exist, in old and new code alike"
		}
		p.Report(s, r)
	}
	for _, n := range s.Node.GetDropStmt().GetObjects() {
		if s.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_CAST && !s.Tx.RolledBack {
			reportCastDrop(p, s, n)
		}
	}
}

// reportCastDrop reports a cast that goes. Code may use it without a word, by a comparison or an
// assignment, so the finding is a warning.
func reportCastDrop(p *rule.Pass, s *rule.Stmt, n *pgparse.Node) {
	types := n.GetList().GetItems()
	if len(types) != 2 {
		return
	}
	from, to := s.Before.TypeOf(types[0].GetTypeName()), s.Before.TypeOf(types[1].GetTypeName())
	u := p.Code.UsesType(to.Name)
	if to.Name.Schema == "pg_catalog" {
		u = analysis.Usage{}
	}
	p.Report(s, rule.Report{
		Fact:     "the cast from " + from.String() + " to " + to.String() + " is dropped",
		Harm:     "deployed code that casts so" + u.FirstPlace() + " fails, and so does an INSERT or a comparison that used it without saying so",
		Instead:  "drop it a release later, when no old code runs any more",
		Severity: onward.Warning,
		Evidence: u.Evidence,
	})
}

// hasOperator reports whether a catalog has an operator of a name, of whatever types.
func hasOperator(c *catalog.Catalog, name string) bool {
	found := false
	c.EachObject("operator", func(o *catalog.Object) bool {
		found = len(o.Name.Name) > len(name) && o.Name.Name[:len(name)+1] == name+"("
		return !found
	})
	return found
}

// findOperatorUser names the first function whose body uses an operator that the server has not:
// "" for none, and for an operator whose name the server's own ones have.
func findOperatorUser(c *catalog.Catalog, name string) string {
	if pgparse.CommonOperator(name) {
		return ""
	}
	var users []string
	c.EachFunction(func(fn *catalog.Function) bool {
		if slices.Contains(pgparse.OperatorsOf(fn.Body), name) {
			users = append(users, fn.Kind+" "+fn.Signature())
		}
		return true
	})
	if len(users) == 0 {
		return ""
	}
	return slices.Min(users)
}
