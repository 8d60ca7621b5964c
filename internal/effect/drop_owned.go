package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropOwned is DROP OWNED BY: it drops the objects that the roles own, as far as the catalog knows their
// owners, and the privileges and policies of the roles.
// https://www.postgresql.org/docs/current/sql-drop-owned.html
func (r *run) dropOwned(s *pgparse.DropOwnedStmt) {
	cascade := s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	roles := catalog.RolesOf(s.GetRoles())
	owned := r.C.OwnedBy(roles)
	for _, rel := range owned {
		r.recordDropped(rel, "owned by "+rel.Owner)
	}
	r.lockRolePolicyTables(s.GetRoles())
	for _, rel := range owned {
		r.dropRelation(rel, cascade, 0)
	}
	for _, fn := range r.C.FunctionsOf(roles) {
		r.dropFunctionUsers(r.C.UsersOfFunction(fn), cascade)
	}
	for _, u := range r.C.TypesOf(roles) {
		r.dropUserType(u, cascade, 0)
	}
	for _, schema := range r.C.SchemasOf(roles) {
		r.dropSchema(schema, cascade, false)
	}
}

// lockRolePolicyTables locks the tables with a policy for these roles only: the policy is dropped.
// A policy that other roles have too only loses these; the server unlocks its table at once.
func (r *run) lockRolePolicyTables(list []*pgparse.Node) {
	roles := map[string]bool{}
	for _, n := range list {
		roles[n.GetRoleSpec().GetRolename()] = true
	}
	remains := func(role string) bool { return !roles[role] }
	var tables []*catalog.Relation
	r.C.EachRelation(func(rel *catalog.Relation) bool {
		if slices.ContainsFunc(rel.Policies, func(p *catalog.Policy) bool { return len(p.Roles) > 0 && !slices.ContainsFunc(p.Roles, remains) }) {
			tables = append(tables, rel)
		}
		return true
	})
	sortByOID(tables)
	for _, rel := range tables {
		r.lockWithReason(rel, accessExclusive, "a policy of it is for the role")
	}
}
