package catalog

import (
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// memberKinds are the relations that ALTER EXTENSION adds and drops.
var memberKinds = map[pgparse.ObjectType]Kind{
	pgparse.ObjectType_OBJECT_TABLE: Table, pgparse.ObjectType_OBJECT_FOREIGN_TABLE: ForeignTable, pgparse.ObjectType_OBJECT_SEQUENCE: Sequence,
	pgparse.ObjectType_OBJECT_VIEW: View, pgparse.ObjectType_OBJECT_MATVIEW: MaterializedView,
}

// alterExtension is ALTER EXTENSION … ADD and DROP of one object. Only relations are kept:
// DROP EXTENSION drops them.
// https://www.postgresql.org/docs/current/sql-alterextension.html
func (f *fold) alterExtension(s *pgparse.AlterExtensionContentsStmt) {
	name := clipName(s.GetExtname())
	f.recordObjectChange("extension", Name{"", name}, "contents")
	kind, ok := memberKinds[s.GetObjtype()]
	if f.failed || !ok {
		return
	}
	schema, n := pgparse.SchemaAndName(pgparse.ListItems(s.GetObject()))
	found := f.ResolveName(schema, n)
	r, add := found.Relation, s.GetAction() > 0
	if r == nil && add && !found.IsMissing {
		r = f.inferRelation(found.Full, kind)
	}
	switch {
	case r == nil:
	case !add:
		f.editRelation(r.OID).copyRare().Extension = ""
	default:
		f.editRelation(r.OID).copyRare().Extension = name
	}
}

// MembersOf lists the relations that statements put into an extension, oldest first.
func (c *Catalog) MembersOf(extension string) []*Relation {
	return c.RelationsByOID(c.sortedRelations(func(r *Relation) bool { return r.Extension == extension }))
}

// dropExtensionMembers drops the relations that statements put into an extension.
func (f *fold) dropExtensionMembers(extension string, cascade bool) {
	roots := oidsOf(f.MembersOf(extension))
	if !cascade && (f.haveDependents(f.withPartitions(roots)) || f.usesExtensionTypes(extension)) {
		f.addConflict(true, pgerror.HasDependents, "extension", extension)
		if f.failed {
			return
		}
	}
	for _, oid := range roots {
		f.dropWithRowType(oid)
	}
}
