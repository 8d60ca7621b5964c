// Package access has the rules about who may see and change rows: privileges and row level
// security.
package access

import (
	"sort"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
)

// listRoles are the grantees of a statement: "app, reporting".
func listRoles(g *pgparse.GrantStmt) []string {
	var out []string
	for _, n := range g.GetGrantees() {
		name, _ := analysis.QuoteRole(n.GetRoleSpec())
		out = append(out, name)
	}
	return out
}

// formatPrivileges returns a statement's privileges in upper case; "all privileges" if it lists
// none.
func formatPrivileges(g *pgparse.GrantStmt) string {
	var out []string
	for _, n := range g.GetPrivileges() {
		if name := n.GetAccessPriv().GetPrivName(); name != "" {
			out = append(out, strings.ToUpper(name))
		}
	}
	if len(out) == 0 {
		return "all privileges"
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// displayRole returns the role of a privilege as a statement has it.
func displayRole(role string) string {
	switch role {
	case "public", "current_user", "session_user":
		return strings.ToUpper(role)
	}
	return role
}
