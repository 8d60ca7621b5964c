package effect

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropSchema locks all that is in a schema.
func (r *run) dropSchema(schema string, cascade, missingOK bool) {
	var in []*catalog.Relation
	r.c.Relations(func(rel *catalog.Relation) bool {
		if rel.Name.Schema == schema && rel.Kind != catalog.Index && rel.Kind != catalog.PartitionedIndex {
			in = append(in, rel)
		}
		return true
	})
	if len(in) > 0 && !cascade {
		r.refuse("cannot drop schema " + schema + " because other objects depend on it")
		return
	}
	sortByOID(in)
	for _, rel := range in {
		r.drop(rel, "in the schema "+schema)
	}
	for _, rel := range in {
		r.dropRelation(rel, true, 0)
	}
	var types []*catalog.UserType
	r.c.Types(func(u *catalog.UserType) bool {
		if u.Name.Schema == schema {
			types = append(types, u)
		}
		return true
	})
	slices.SortFunc(types, func(a, b *catalog.UserType) int { return cmp.Compare(a.OID, b.OID) })
	for _, u := range types {
		r.dropUserType(u, cascade, 0)
	}
}

// dropType drops the columns of a type.
func (r *run) dropType(tn *pgparse.TypeName, cascade bool) {
	t := r.c.TypeOf(tn)
	u := r.c.Type(t.OID)
	if u == nil {
		if cascade {
			r.Unmodelled = "DROP TYPE … CASCADE of a type that no statement created"
		}
		return
	}
	r.dropUserType(u, cascade, 0)
}

func (r *run) dropUserType(u *catalog.UserType, cascade bool, depth int) {
	if depth > maxDepth {
		return
	}
	if rel := r.c.Relation(u.Relation); rel != nil {
		r.drop(rel, "the type's relation")
	}
	r.typeUsers(u.OID, func(rel *catalog.Relation, col *catalog.Column) {
		if r.dropped(rel.OID) {
			return
		}
		if !cascade {
			r.refuse("cannot drop type " + u.Name.Name + " because other objects depend on it")
			return
		}
		r.lockFor(rel, ael, "its column "+col.Name+" has the type "+u.Name.String())
		r.dropColumnParts(rel, col, true, depth)
	})
	for _, rel := range r.typedTablesOf(u) {
		if !cascade {
			r.refuse("cannot drop type " + u.Name.Name + " because other objects depend on it")
			return
		}
		r.drop(rel, "a table of the type "+u.Name.String())
		r.dropRelation(rel, true, depth+1)
	}
}

// typeUsers calls f for each column of a type.
func (r *run) typeUsers(oid catalog.OID, f func(*catalog.Relation, *catalog.Column)) {
	if oid == 0 {
		return
	}
	for _, rel := range r.c.TypedBy(oid) {
		for _, col := range rel.Columns {
			if col.Type.OID == oid {
				f(rel, col)
			}
		}
	}
}

// dropFunction locks the tables whose triggers call a dropped function.
func (r *run) dropFunction(o *pgparse.ObjectWithArgs, cascade bool) {
	schema, name := nameOf(o.GetObjname())
	for _, rel := range r.c.CalledBy(name) {
		uses := slices.ContainsFunc(rel.Triggers, func(t *catalog.Trigger) bool {
			return t.Function.Name == name && (schema == "" || t.Function.Schema == schema)
		}) || slices.ContainsFunc(rel.Columns, func(c *catalog.Column) bool {
			return calls(c.Default, name) || calls(c.GeneratedExpr, name)
		}) || slices.ContainsFunc(rel.Constraints, func(c *catalog.Constraint) bool {
			return c.Kind == catalog.Check && calls(c.Expr, name)
		})
		whole := rel.View != nil && slices.ContainsFunc(rel.View.Functions, func(f catalog.Name) bool {
			return f.Name == name && (schema == "" || f.Schema == schema)
		}) || rel.Index != nil && (calls(rel.Index.Predicate, name) || slices.ContainsFunc(rel.Index.Keys, func(k catalog.IndexKey) bool {
			return calls(k.Expr, name)
		}))
		if !uses && !whole {
			continue
		}
		if !cascade {
			r.refuse("cannot drop function " + name + "() because other objects depend on it")
			return
		}
		if !whole {
			r.lockFor(rel, ael, "a trigger, default or constraint of it calls "+name+"()")
			continue
		}
		if t := r.tableOf(rel); t != nil {
			r.lockFor(t, ael, "its index "+rel.Name.Name+" is dropped")
		}
		r.drop(rel, "calls "+name+"()")
		if rel.View != nil {
			r.dropRelation(rel, true, 0)
		}
	}
}

// calls locks what the functions in an expression lock by name.
func calls(expr *pgparse.Node, name string) bool {
	found := false
	if expr == nil {
		return false
	}
	pgparse.Walk(expr, func(m any) bool {
		if c, ok := m.(*pgparse.FuncCall); ok && lastName(c.GetFuncname()) == name {
			found = true
		}
		return !found
	})
	return found
}
