package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// isNoopRevoke reports whether a REVOKE has no effect: every privilege was revoked before,
// or default privileges never granted it.
func isNoopRevoke(s *rule.Stmt, g *pgparse.GrantStmt) bool {
	all := g.GetTargtype() == pgparse.GrantTargetType_ACL_TARGET_ALL_IN_SCHEMA
	for _, n := range g.GetObjects() {
		nothing := false
		switch g.GetObjtype() {
		case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE:
			nothing = isExecuteRevoked(functionsOf(s, n, all), g)
		case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_SEQUENCE:
			if r, _ := s.Before.Resolve(n.GetRangeVar()); r != nil && !all {
				nothing = areGrantsRevoked(r.Grants, r.Taken, g)
			}
		case pgparse.ObjectType_OBJECT_SCHEMA:
			if o := s.Before.Object("schema", catalog.Name{Name: pgparse.StringText(n)}); o != nil {
				nothing = areGrantsRevoked(o.Grants, o.Taken, g)
			}
		}
		if !nothing {
			return false
		}
	}
	return true
}

// functionsOf returns the functions that an object of a REVOKE means: all functions of a
// name, or of a schema.
func functionsOf(s *rule.Stmt, n *pgparse.Node, all bool) []*catalog.Function {
	if !all {
		schema, name := pgparse.SchemaAndName(n.GetObjectWithArgs().GetObjname())
		return s.Before.Functions(schema, name)
	}
	var out []*catalog.Function
	s.Before.EachFunction(func(f *catalog.Function) bool {
		if f.Name.Schema == pgparse.StringText(n) {
			out = append(out, f)
		}
		return true
	})
	return out
}

// isExecuteRevoked reports whether a list has functions, and the roles of the REVOKE may
// execute none of them.
func isExecuteRevoked(list []*catalog.Function, g *pgparse.GrantStmt) bool {
	for _, f := range list {
		for _, role := range listRoles(g) {
			nothing := f.Closed
			if role != "PUBLIC" {
				nothing = catalog.IsNoopRevoke(f.Grants, f.Taken, catalog.Grant{Role: role, Privilege: "execute"})
			}
			if !nothing {
				return false
			}
		}
	}
	return len(list) > 0
}

func areGrantsRevoked(grants, taken []catalog.Grant, g *pgparse.GrantStmt) bool {
	return !slices.ContainsFunc(catalog.GrantsOf(g), func(x catalog.Grant) bool {
		ofColumns := strings.HasSuffix(x.Privilege, ")")
		return ofColumns || !catalog.IsNoopRevoke(grants, taken, x)
	})
}
