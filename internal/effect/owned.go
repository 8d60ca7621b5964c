package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropOwned is DROP OWNED: what the roles own goes, as far as statements told
// what that is, and the privileges and policies that are for them.
// https://www.postgresql.org/docs/current/sql-drop-owned.html
func (r *run) dropOwned(s *pgparse.DropOwnedStmt) {
	cascade := s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	roles := rolesOf(s.GetRoles())
	owned := r.ownedBy(s.GetRoles())
	for _, rel := range owned {
		r.drop(rel, "owned by "+rel.Owner)
	}
	var schemas []string
	r.C.Objects("schema", func(o *catalog.Object) bool {
		if o.Owner != "" && contains(roles, o.Owner) {
			schemas = append(schemas, o.Name.Name)
		}
		return true
	})
	slices.Sort(schemas)
	r.policiesFor(s.GetRoles())
	for _, rel := range owned {
		r.dropRelation(rel, cascade, 0)
	}
	for _, fn := range r.C.FunctionsOf(roles) {
		r.dropCalls(fn.Name.Name, r.C.CallersOf(fn), cascade)
	}
	for _, u := range r.C.TypesOf(roles) {
		r.dropUserType(u, cascade, 0)
	}
	for _, schema := range schemas {
		r.dropSchema(schema, cascade, false)
	}
}

// rolesOf are the names of roles, without those that only the session knows.
func rolesOf(list []*pgparse.Node) []string {
	var out []string
	for _, n := range list {
		if name := n.GetRoleSpec().GetRolename(); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// policiesFor locks the tables with a policy that is for these roles only: it
// goes with them. A policy for others too loses them, and its table is let go at
// once.
func (r *run) policiesFor(list []*pgparse.Node) {
	roles := map[string]bool{}
	for _, n := range list {
		roles[n.GetRoleSpec().GetRolename()] = true
	}
	remains := func(role string) bool { return !roles[role] }
	var tables []*catalog.Relation
	r.C.Relations(func(rel *catalog.Relation) bool {
		if slices.ContainsFunc(rel.Policies, func(p *catalog.Policy) bool { return len(p.Roles) > 0 && !slices.ContainsFunc(p.Roles, remains) }) {
			tables = append(tables, rel)
		}
		return true
	})
	sortByOID(tables)
	for _, rel := range tables {
		r.lockFor(rel, ael, "a policy of it is for the role")
	}
}

// ownedBy lists what roles own, as far as statements told.
func (r *run) ownedBy(list []*pgparse.Node) []*catalog.Relation {
	roles := map[string]bool{}
	for _, n := range list {
		roles[n.GetRoleSpec().GetRolename()] = true
	}
	var owned []*catalog.Relation
	r.C.Relations(func(rel *catalog.Relation) bool {
		if rel.Owner != "" && roles[rel.Owner] && rel.Kind != catalog.Index && rel.Kind != catalog.PartitionedIndex {
			owned = append(owned, rel)
		}
		return true
	})
	sortByOID(owned)
	return owned
}
