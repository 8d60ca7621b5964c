package removal

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableDropOwned flags DROP OWNED with nothing before it that gives what the role
// owns to another. https://www.postgresql.org/docs/current/sql-drop-owned.html
var TableDropOwned = &rule.Rule{
	ID:       "table-drop-owned",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "DROP OWNED drops all tables that a role owns in this database",
	Harm: "DROP OWNED is there to get rid of a role's privileges, and takes along every table, view, function and schema that the role owns, " +
		"with their rows. Which these are is not to be seen in the statement.",
	Instead:   "Give them to another role first, with REASSIGN OWNED: then only the privileges are left.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-drop-owned.html", "https://www.postgresql.org/docs/current/sql-reassign-owned.html"},
	Kinds:     rule.Another,
	Statement: checkDropOwned,
}

func checkDropOwned(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetDropOwnedStmt()
	if stmt == nil {
		return
	}
	reassignedRoles := map[string]bool{}
	for _, x := range rule.StatementsBefore(rule.StatementsOf[*pgparse.Node_ReassignOwnedStmt](s.Migration), s) {
		for _, name := range roleNames(x.Node.GetReassignOwnedStmt().GetRoles()) {
			reassignedRoles[name] = true
		}
	}
	left := slices.DeleteFunc(roleNames(stmt.GetRoles()), func(name string) bool { return reassignedRoles[name] })
	if len(left) == 0 {
		return
	}
	var tables []string
	s.Before.EachRelation(func(r *catalog.Relation) bool {
		if r.Kind.IsTable() && p.InUse(r) && r.Owner != "" && slices.Contains(left, pgparse.QuoteIdent(r.Owner)) {
			tables = append(tables, r.Name.String())
		}
		return true
	})
	slices.Sort(tables)
	objects, severity := "whatever "+strings.Join(left, " and ")+" owns in this database, tables too", onward.Warning
	if len(tables) > 0 {
		objects, severity = "what "+strings.Join(left, " and ")+" owns in this database: "+prose.EnumerateNames(tables), onward.Off
	}
	p.Report(s, rule.Report{
		Fact:     "DROP OWNED drops " + objects,
		Harm:     "the rows are gone, and so are the views, functions and schemas of the role: deployed code that uses them fails",
		Severity: severity,
		Instead:  "give them to another role first, so that only the privileges are left:\nREASSIGN OWNED BY " + strings.Join(left, ", ") + " TO …;\n" + s.SQL + ";",
	})
}

func roleNames(list []*pgparse.Node) []string {
	var out []string
	for _, n := range list {
		name, word := analysis.QuoteRole(n.GetRoleSpec())
		if !word {
			name = pgparse.QuoteIdent(name)
		}
		out = append(out, name)
	}
	return out
}
