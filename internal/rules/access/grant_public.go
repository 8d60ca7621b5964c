package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// GrantPublic flags privileges that are given to every role.
// https://www.postgresql.org/docs/current/ddl-priv.html
var GrantPublic = &rule.Rule{
	ID:       "grant-public",
	Category: onward.Security,
	Severity: onward.Warning,
	OnlyIn:   onward.SecuritySet,
	Summary:  "a privilege on tables, sequences, schemas or the database is granted to PUBLIC",
	Harm: "PUBLIC is every role that exists and every one that will: reporting users, other applications in the same cluster, roles of end users. " +
		"REVOKE from one role does not take away what PUBLIC has.",
	Instead:   "Grant it to the roles that need it.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-priv.html"},
	Kinds:     rule.Another,
	Statement: checkPublicGrant,
}

func checkPublicGrant(p *rule.Pass, s *rule.Stmt) {
	g := s.Node.GetGrantStmt()
	if defaults := s.Node.GetAlterDefaultPrivilegesStmt(); defaults != nil {
		g = defaults.GetAction()
	}
	if g == nil || !g.GetIsGrant() || !slices.Contains(listRoles(g), "PUBLIC") {
		return
	}
	privileges := formatPrivileges(g)
	switch g.GetObjtype() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_DATABASE:
	case pgparse.ObjectType_OBJECT_SCHEMA:
		if privileges == "USAGE" {
			return // nothing can be done with it alone
		}
	default:
		return // functions and types are PUBLIC's anyway
	}
	p.Report(s, rule.Report{
		Fact:    privileges + " is granted to PUBLIC",
		Harm:    "every role of the cluster has it, those that are created later too, and REVOKE from one of them does not take it away",
		Instead: "grant it to the roles that need it:\n" + strings.TrimSpace(withRolePlaceholder(s.SQL)) + ";",
	})
}

// withRolePlaceholder returns the statement with a placeholder for the role.
func withRolePlaceholder(sql string) string {
	if index := strings.LastIndex(strings.ToUpper(sql), "PUBLIC"); index >= 0 {
		return sql[:index] + "…" + sql[index+len("PUBLIC"):]
	}
	return sql
}
