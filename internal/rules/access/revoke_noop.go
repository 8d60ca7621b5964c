package access

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// isNoopRevoke reports whether a REVOKE takes nothing from deployed code: every privilege was revoked before, the release granted it, or default
// privileges never did.
func isNoopRevoke(p *rule.Pass, s *rule.Stmt, g *pgparse.GrantStmt) bool {
	deployed := p.Release.Deployed
	all := g.GetTargtype() == pgparse.GrantTargetType_ACL_TARGET_ALL_IN_SCHEMA
	for i, n := range g.GetObjects() {
		nothing := false
		switch g.GetObjtype() {
		case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE:
			nothing = isExecuteRevoked(deployed, functionsOf(s, n, all), g)
		case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_SEQUENCE:
			if r, _ := s.Before.Resolve(n.GetRangeVar()); r != nil && !all {
				nothing = areGrantsRevoked(grantsOfRelation(deployed.Relation(r.OID)), r.Grants, r.Taken, g)
			}
		case pgparse.ObjectType_OBJECT_SCHEMA:
			nothing = isObjectRevoked(deployed, s.Before.Object("schema", catalog.Name{Name: pgparse.StringText(n)}), g)
		default:
			if names := catalog.PrivilegesOf(g); !all && len(names) == len(g.GetObjects()) {
				nothing = isObjectRevoked(deployed, s.Before.Object("privileges", names[i]), g)
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

// isExecuteRevoked reports whether a list has functions, and the roles of the REVOKE may execute none of them without the release.
func isExecuteRevoked(deployed *catalog.Catalog, list []*catalog.Function, g *pgparse.GrantStmt) bool {
	for _, f := range list {
		var granted []catalog.Grant
		for _, old := range deployed.Functions(f.Name.Schema, f.Name.Name) {
			if old.OID == f.OID {
				granted = old.Grants
			}
		}
		for _, role := range listRoles(g) {
			nothing := f.Closed
			if role != "PUBLIC" {
				nothing = takesNothing(granted, f.Grants, f.Taken, catalog.Grant{Role: role, Privilege: "execute"})
			}
			if !nothing {
				return false
			}
		}
	}
	return len(list) > 0
}

func grantsOfRelation(r *catalog.Relation) []catalog.Grant {
	if r == nil {
		return nil
	}
	return r.Grants
}

func isObjectRevoked(deployed *catalog.Catalog, o *catalog.Object, g *pgparse.GrantStmt) bool {
	if o == nil {
		return false
	}
	var granted []catalog.Grant
	if old := deployed.Object(o.Kind, o.Name); old != nil {
		granted = old.Grants
	}
	return areGrantsRevoked(granted, o.Grants, o.Taken, g)
}

func areGrantsRevoked(deployed, grants, taken []catalog.Grant, g *pgparse.GrantStmt) bool {
	hasPublic := g.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE && g.GetObjtype() != pgparse.ObjectType_OBJECT_SEQUENCE
	return !slices.ContainsFunc(catalog.GrantsOf(g), func(x catalog.Grant) bool {
		if x.Role == "public" && hasPublic { // it has privileges that nobody granted
			return !catalog.IsNoopRevoke(grants, taken, x)
		}
		return !takesNothing(deployed, grants, taken, x)
	})
}

// takesNothing reports whether a REVOKE of a privilege takes nothing from deployed code: the privilege was revoked before, or the release granted it.
func takesNothing(deployed, grants, taken []catalog.Grant, x catalog.Grant) bool {
	command, _, ofColumns := strings.Cut(x.Privilege, " (")
	isGrantedHere := slices.Contains(grants, x) && !slices.ContainsFunc(deployed, func(o catalog.Grant) bool {
		return o.Role == x.Role && (o.Privilege == "all" || command == "all" || strings.HasPrefix(o.Privilege+" ", command+" "))
	})
	return isGrantedHere || !ofColumns && catalog.IsNoopRevoke(grants, taken, x)
}
