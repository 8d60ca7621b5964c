package catalog

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkDropOwned refuses a DROP OWNED without CASCADE if something depends on what the roles own.
// The catalog does not drop the objects: it may not know all of them.
func (f *fold) checkDropOwned(s *pgparse.DropOwnedStmt) {
	roles := RolesOf(s.GetRoles())
	if s.GetBehavior() != pgparse.DropBehavior_DROP_CASCADE && f.isOwnedNeeded(roles) {
		if kind, name := f.findSingleOwned(roles); kind != "" {
			f.addConflict(true, pgerror.HasDependents, kind, name)
		} else {
			f.addConflict(true, pgerror.OwnedHasDependents)
		}
	}
	if !f.failed {
		f.recordUnmodelled("DROP OWNED")
	}
}

// findSingleOwned returns the kind and name of the object that roles own, if it is only one.
func (f *fold) findSingleOwned(roles []string) (kind, name string) {
	relations, functions, types, schemas := f.OwnedBy(roles), f.FunctionsOf(roles), f.TypesOf(roles), f.SchemasOf(roles)
	switch {
	case len(relations)+len(functions)+len(types)+len(schemas) != 1:
		return "", ""
	case len(relations) == 1:
		return relations[0].Kind.ForMessages(), relations[0].Name.String()
	case len(functions) == 1:
		return functions[0].Kind, functions[0].Signature()
	case len(types) == 1:
		return "type", types[0].Name.String()
	}
	return "schema", schemas[0]
}

// isOwnedNeeded reports whether a known object depends on an object that the roles own.
func (f *fold) isOwnedNeeded(roles []string) bool {
	doomed := f.withPartitions(oidsOf(f.OwnedBy(roles)))
	if f.haveDependents(doomed) {
		return true
	}
	for _, fn := range f.FunctionsOf(roles) {
		if slices.ContainsFunc(f.UsersOfFunction(fn).Callers, func(x Caller) bool { return x.Sure && !f.isDoomed(x.Relation, doomed) }) {
			return true
		}
	}
	stays := func(oid OID) bool { return !f.isDoomed(f.Relation(oid), doomed) }
	for _, u := range f.TypesOf(roles) {
		if slices.ContainsFunc(f.columnUsersOf(u.OID, u.Relation), stays) {
			return true
		}
	}
	for _, schema := range f.SchemasOf(roles) {
		relations, types, functions, objects := f.listSchemaObjects(schema)
		if slices.ContainsFunc(relations, stays) || len(types)+len(functions)+len(objects) > 0 {
			return true
		}
	}
	return false
}

// RolesOf are the names of roles, without those that only the session knows.
func RolesOf(list []*pgparse.Node) []string {
	var out []string
	for _, n := range list {
		if name := n.GetRoleSpec().GetRolename(); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// OwnedBy lists the relations that roles own, as far as statements told, oldest first.
func (c *Catalog) OwnedBy(roles []string) []*Relation {
	return c.RelationsByOID(c.sortedRelations(func(r *Relation) bool {
		return r.Owner != "" && slices.Contains(roles, r.Owner) && r.Kind != Index && r.Kind != PartitionedIndex
	}))
}

// SchemasOf lists the schemas that roles own.
func (c *Catalog) SchemasOf(roles []string) []string {
	var schemas []string
	c.EachObject("schema", func(o *Object) bool {
		if o.Owner != "" && slices.Contains(roles, o.Owner) {
			schemas = append(schemas, o.Name.Name)
		}
		return true
	})
	slices.Sort(schemas)
	return schemas
}

// reassignOwned gives all that roles own to another one.
func (f *fold) reassignOwned(s *pgparse.ReassignOwnedStmt) {
	var roles []string
	for _, r := range s.GetRoles() {
		roles = append(roles, RoleName(r.GetRoleSpec()))
	}
	to := RoleName(s.GetNewrole())
	for _, oid := range f.sortedRelations(func(r *Relation) bool { return r.Owner != "" && slices.Contains(roles, r.Owner) }) {
		f.editRelation(oid).copyRare().Owner = to
	}
	for _, fn := range f.FunctionsOf(roles) {
		list := f.functionsNamed(fn.Name)
		f.setFunctionOwner(fn.Name, list, slices.Index(list, fn), to)
	}
	for _, u := range f.TypesOf(roles) {
		f.changeType(u.OID, func(t *UserType) { t.Owner = to })
	}
}

// setFunctionOwner gives a function to a role.
func (f *fold) setFunctionOwner(name Name, list []*Function, index int, owner string) {
	fn := *list[index]
	fn.Owner = owner
	list = slices.Clone(list)
	list[index] = &fn
	f.setFunctions(name, list)
}

// FunctionsOf are the functions of roles, as far as statements told, oldest first.
func (c *Catalog) FunctionsOf(roles []string) []*Function {
	var out []*Function
	c.EachFunction(func(fn *Function) bool {
		if fn.Owner != "" && slices.Contains(roles, fn.Owner) {
			out = append(out, fn)
		}
		return true
	})
	slices.SortFunc(out, func(a, b *Function) int { return cmp.Compare(a.OID, b.OID) })
	return out
}

// TypesOf are the types of roles, as far as statements told, oldest first.
func (c *Catalog) TypesOf(roles []string) []*UserType {
	var out []*UserType
	c.EachType(func(u *UserType) bool {
		if u.Owner != "" && slices.Contains(roles, u.Owner) {
			out = append(out, u)
		}
		return true
	})
	slices.SortFunc(out, func(a, b *UserType) int { return cmp.Compare(a.OID, b.OID) })
	return out
}
