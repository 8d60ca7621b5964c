// Package access has the rules about who may see and change rows: privileges and row level
// security.
package access

import (
	"sort"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// listTargets names what a GRANT or REVOKE is about and the deployed code can
// know; nil when that is nothing.
func listTargets(p *rule.Pass, s *rule.Stmt, g *pgparse.GrantStmt) []string {
	var out []string
	if g.GetTargtype() == pgparse.GrantTargetType_ACL_TARGET_ALL_IN_SCHEMA {
		for _, n := range g.GetObjects() {
			if name := n.GetString_().GetSval(); p.DeployedSchema(name, s.Before) {
				out = append(out, "everything in schema "+name)
			}
		}
		return out
	}
	for _, n := range g.GetObjects() {
		switch g.GetObjtype() {
		case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_SEQUENCE:
			if r, _ := s.Before.Resolve(n.GetRangeVar()); p.InUse(r) {
				out = append(out, r.Name.String())
			}
		case pgparse.ObjectType_OBJECT_SCHEMA:
			if name := n.GetString_().GetSval(); p.DeployedSchema(name, s.Before) {
				out = append(out, "schema "+name)
			}
		case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE:
			if name, ok := deployedFunction(p, s, n.GetObjectWithArgs().GetObjname()); ok {
				out = append(out, "function "+name)
			}
		case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
			schema, name := pgparse.SchemaAndName(pgparse.ListItems(n))
			if t := s.Before.LookupType(schema, name); t == nil || p.Release.Deployed.Type(t.OID) != nil {
				out = append(out, "type "+name)
			}
		}
	}
	switch g.GetObjtype() {
	case pgparse.ObjectType_OBJECT_DATABASE, pgparse.ObjectType_OBJECT_LANGUAGE, pgparse.ObjectType_OBJECT_FDW, pgparse.ObjectType_OBJECT_FOREIGN_SERVER,
		pgparse.ObjectType_OBJECT_LARGEOBJECT, pgparse.ObjectType_OBJECT_PARAMETER_ACL:
		for _, name := range catalog.PrivilegesOf(g) {
			end := strings.LastIndexByte(name.Name, ' ')
			kind, made := name.Name[:end], catalog.Name{Name: name.Name[end+1:]}
			if s.Before.Object(kind, made) == nil || p.Release.Deployed.Object(kind, made) != nil {
				out = append(out, name.Name)
			}
		}
	}
	return out
}

func deployedFunction(p *rule.Pass, s *rule.Stmt, parts []*pgparse.Node) (string, bool) {
	if len(parts) == 0 {
		return "", false
	}
	schema, name := pgparse.SchemaAndName(parts)
	list := s.Before.Functions(schema, name)
	for _, f := range list {
		if p.DeployedFunction(f) {
			return name, true
		}
	}
	return name, len(list) == 0
}

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
