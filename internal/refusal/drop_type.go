package refusal

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropSchema asks what is in a schema.
func (d *dropChecker) dropSchema(schema string) {
	var in []*catalog.Relation
	d.C.EachRelation(func(rel *catalog.Relation) bool {
		if rel.Name.Schema == schema && rel.Kind != catalog.Index && rel.Kind != catalog.PartitionedIndex {
			in = append(in, rel)
		}
		return true
	})
	if !d.cascade {
		if slices.ContainsFunc(in, func(rel *catalog.Relation) bool { return !d.gone[rel.OID] }) {
			d.RecordRefusal(pgerror.HasDependents, "schema", schema)
			return
		}
		var types []*catalog.UserType
		d.C.EachType(func(u *catalog.UserType) bool {
			if u.Name.Schema == schema {
				types = append(types, u)
			}
			return true
		})
		slices.SortFunc(types, func(a, b *catalog.UserType) int { return cmp.Compare(a.OID, b.OID) })
		for _, u := range types {
			d.userType(u)
		}
		return
	}
	for _, rel := range in {
		d.gone[rel.OID] = true
	}
	for _, rel := range in {
		d.dropRelation(rel, 0)
	}
}

// userType asks for columns and tables of a type.
func (d *dropChecker) userType(u *catalog.UserType) {
	if rel := d.C.Relation(u.Relation); rel != nil {
		d.gone[rel.OID] = true
	}
	if d.cascade {
		return
	}
	used := false
	d.C.EachOfType(u.OID, func(rel *catalog.Relation, _ *catalog.Column) { used = used || !d.gone[rel.OID] })
	if used || len(d.TablesOf(u)) > 0 {
		d.RecordRefusal(pgerror.HasDependents, "type", u.Name.Name)
	}
}

// dropFunction refuses to drop a function that other objects are known to call.
func (d *dropChecker) dropFunction(name string, callers []catalog.Caller) {
	if !d.cascade && slices.ContainsFunc(callers, func(c catalog.Caller) bool { return c.Sure && !d.isDroppedAlong(c.Relation) }) {
		d.RecordRefusal(pgerror.HasDependents, "function", name+"()")
	}
}

// dropExtension asks for domains and columns of an extension's types.
func (d *dropChecker) dropExtension(name string) {
	if d.cascade {
		return
	}
	members := d.C.MembersOf(name)
	for _, rel := range members {
		d.gone[rel.OID] = true
	}
	for _, rel := range members {
		if d.dropRelation(rel, 0); d.Refusal != nil {
			d.Refusal = pgerror.HasDependents.NewRefusal("extension", name)
			return
		}
	}
	types := ExtensionTypes[name]
	if len(types) == 0 {
		return
	}
	used := false
	d.C.EachType(func(u *catalog.UserType) bool {
		base := u.Base.Name
		used = u.Kind == catalog.Domain && base.Schema != "pg_catalog" && contains(types, base.Name)
		return !used
	})
	if !used {
		d.C.EachRelation(func(rel *catalog.Relation) bool {
			used = slices.ContainsFunc(rel.Columns, func(col *catalog.Column) bool {
				return col.Type.Name.Schema != "pg_catalog" && contains(types, col.Type.Name.Name)
			})
			return !used
		})
	}
	if used {
		d.RecordRefusal(pgerror.HasDependents, "extension", name)
	}
}

// dropOwned is DROP OWNED: what the roles own goes, as far as statements told
// what that is.
func (q *Checker) dropOwned(s *pgparse.DropOwnedStmt) {
	d := &dropChecker{q, s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE, map[catalog.OID]bool{}}
	roles := RolesOf(s.GetRoles())
	owned := q.OwnedBy(roles)
	for _, rel := range owned {
		d.gone[rel.OID] = true
	}
	for _, rel := range owned {
		d.dropRelation(rel, 0)
	}
	for _, fn := range q.C.FunctionsOf(roles) {
		d.dropFunction(fn.Name.Name, q.C.CallersOf(fn))
	}
	for _, u := range q.C.TypesOf(roles) {
		d.userType(u)
	}
	for _, schema := range q.SchemasOf(roles) {
		d.dropSchema(schema)
	}
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

// OwnedBy lists the relations that roles own, as far as statements told, in the
// order in which they were made.
func (q *Checker) OwnedBy(roles []string) []*catalog.Relation {
	var owned []*catalog.Relation
	q.C.EachRelation(func(rel *catalog.Relation) bool {
		if rel.Owner != "" && contains(roles, rel.Owner) && rel.Kind != catalog.Index && rel.Kind != catalog.PartitionedIndex {
			owned = append(owned, rel)
		}
		return true
	})
	slices.SortFunc(owned, func(a, b *catalog.Relation) int { return cmp.Compare(a.OID, b.OID) })
	return owned
}

// SchemasOf lists the schemas that roles own.
func (q *Checker) SchemasOf(roles []string) []string {
	var schemas []string
	q.C.EachObject("schema", func(o *catalog.Object) bool {
		if o.Owner != "" && contains(roles, o.Owner) {
			schemas = append(schemas, o.Name.Name)
		}
		return true
	})
	slices.Sort(schemas)
	return schemas
}
