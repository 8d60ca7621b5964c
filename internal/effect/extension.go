package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// lockExtensionViews locks the views of an extension.
func (r *run) lockExtensionViews(name string, mark func(*Effect)) {
	o := r.C.Object("extension", catalog.Name{Name: name})
	for _, m := range catalog.ExtensionViews[name] {
		if o == nil || m.Since > 0 && !r.V.AtLeast(m.Since) {
			continue
		}
		e := r.lockRelation(catalog.StandIn(catalog.Name{Schema: r.C.CreationSchema(), Name: m.Name}, catalog.View, false), accessExclusive)
		if mark != nil {
			mark(e)
		}
	}
}

// dropExtension drops what an extension brought along, and with CASCADE the columns of its types and what needs its functions and operator
// classes.
func (r *run) dropExtension(name string, cascade bool) {
	r.lockExtensionViews(name, func(e *Effect) { e.Dropped = true })
	members := r.C.MembersOf(name)
	for _, rel := range members {
		r.recordDropped(rel, "in the extension "+name)
	}
	for _, rel := range members {
		r.dropRelation(rel, cascade, 0)
	}
	if !cascade {
		return
	}
	for _, users := range r.C.ListExtensionUsers(name) {
		r.dropFunctionUsers(users, true)
	}
	for _, index := range r.C.ListExtensionIndexes(name) {
		if !r.isDropped(index.OID) {
			r.dropWholeUser(index, "has an operator class of the extension "+name)
		}
	}
	types := catalog.ExtensionTypes[name]
	if len(types) == 0 && len(catalog.ExtensionViews[name]) == 0 && !contains(catalog.WithoutTypes, name) {
		r.Unmodelled = "DROP EXTENSION … CASCADE: what depends on the extension is not known"
	}
	r.C.EachType(func(u *catalog.UserType) bool {
		if base := u.Base.Name; u.Kind == catalog.Domain && base.Schema != "pg_catalog" && contains(types, base.Name) {
			r.dropUserType(u, true, 0)
		}
		return true
	})
	r.C.EachRelation(func(rel *catalog.Relation) bool {
		for _, col := range rel.Columns {
			if col.Type.Name.Schema == "pg_catalog" || !contains(types, col.Type.Name.Name) {
				continue
			}
			r.lockWithReason(rel, accessExclusive, "its column "+col.Name+" has a type of the extension")
			r.lockColumnParts(rel, col, true, 0)
		}
		return true
	})
}

// alterExtension is ALTER EXTENSION … ADD and DROP of a relation.
func (r *run) alterExtension(s *pgparse.AlterExtensionContentsStmt) {
	switch kind := s.GetObjtype(); kind {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_SEQUENCE,
		pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		schema, name := pgparse.SchemaAndName(s.GetObject().GetList().GetItems())
		if rel := r.FindRelation(schema, name, catalog.KindOfObject(kind), false); rel != nil {
			r.lockRelation(rel, sue)
		}
	}
}

// IsComplete reports whether a dump tells of every relation that there is: all of it
// was understood, and none of its extensions brings along tables, which a dump
// leaves out.
func IsComplete(c *catalog.Catalog) bool {
	if c.Unmodelled != nil {
		return false
	}
	whole := true
	c.EachObject("extension", func(o *catalog.Object) bool {
		n := o.Name.Name
		whole = catalog.BringsNoTable(n)
		return whole
	})
	return whole
}
