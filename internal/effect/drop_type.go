package effect

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/refusal"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// dropSchema locks all that is in a schema.
func (r *run) dropSchema(schema string, cascade, missingOK bool) {
	var in []*catalog.Relation
	r.C.EachRelation(func(rel *catalog.Relation) bool {
		if rel.Name.Schema == schema && rel.Kind != catalog.Index && rel.Kind != catalog.PartitionedIndex {
			in = append(in, rel)
		}
		return true
	})
	if r.Refusal != nil {
		return
	}
	sortByOID(in)
	for _, rel := range in {
		r.recordDropped(rel, "in the schema "+schema)
	}
	for _, rel := range in {
		r.dropRelation(rel, true, 0)
	}
	var types []*catalog.UserType
	r.C.EachType(func(u *catalog.UserType) bool {
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
	t := r.C.TypeOf(tn)
	u := r.C.Type(t.OID)
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
	if rel := r.C.Relation(u.Relation); rel != nil {
		r.recordDropped(rel, "the type's relation")
	}
	r.C.EachOfType(u.OID, func(rel *catalog.Relation, col *catalog.Column) {
		if r.isDropped(rel.OID) {
			return
		}
		if !cascade {
			return
		}
		if refusal.PartitionedBy(rel, col) { // it cannot be without
			r.recordDropped(rel, "partitioned by "+col.Name+", which has the type "+u.Name.String())
			r.dropRelation(rel, true, depth+1)
			return
		}
		r.lockWithReason(rel, accessExclusive, "its column "+col.Name+" has the type "+u.Name.String())
		r.lockColumnParts(rel, col, true, depth)
	})
	if cascade {
		r.C.EachType(func(d *catalog.UserType) bool {
			if d.Kind == catalog.Domain && d.OID != u.OID && d.Base.OID == u.OID {
				r.dropUserType(d, true, depth+1)
			}
			return true
		})
	}
	for _, rel := range r.TablesOf(u) {
		if !cascade {
			return
		}
		r.recordDropped(rel, "a table of the type "+u.Name.String())
		r.dropRelation(rel, true, depth+1)
	}
}

// dropFunctionUsers locks what needs a dropped function: the tables whose triggers, defaults and the like call it, and those with a column of a
// domain that goes with it. Without CASCADE the server refuses the drop, or nothing needs the function.
func (r *run) dropFunctionUsers(users catalog.FunctionUsers, cascade bool) {
	if !cascade {
		return
	}
	for _, caller := range users.Callers {
		rel := caller.Relation
		switch {
		case r.isDroppedWithParent(rel):
		case !caller.Whole:
			r.lockWithReason(rel, accessExclusive, "a trigger, default, constraint or policy of it calls "+users.Name+"()")
		default:
			r.dropWholeUser(rel, "calls "+users.Name+"()")
		}
	}
	for _, u := range users.Domains {
		r.dropUserType(u, true, 0)
	}
}

// dropWholeUser drops a view or an index that needs a dropped object.
func (r *run) dropWholeUser(rel *catalog.Relation, reason string) {
	if t := r.C.TableOf(rel); t != nil {
		r.lockWithReason(t, accessExclusive, "its index "+rel.Name.Name+" is dropped")
	}
	r.recordDropped(rel, reason)
	if rel.View != nil {
		r.dropRelation(rel, true, 0)
	}
}
