package catalog

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog/builtin"
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

// dropExtensionMembers drops the relations that statements put into an extension, and what needs its functions and operator classes.
func (f *fold) dropExtensionMembers(extension string, cascade bool) {
	roots := oidsOf(f.MembersOf(extension))
	if !cascade && (f.haveDependents(f.withPartitions(roots)) || f.usesExtensionTypes(extension) || f.needsExtension(extension)) {
		f.addConflict(true, pgerror.HasDependents, "extension", extension)
		if f.failed {
			return
		}
	}
	for _, x := range f.listExtensionFunctions(extension) {
		f.dropCallers(x, x.listMemberCallers(), x.listDomains())
	}
	for _, index := range f.ListExtensionIndexes(extension) {
		f.dropRelation(index.OID)
	}
	for _, oid := range roots {
		f.dropWithRowType(oid)
	}
}

// needsExtension reports whether a default, a constraint, an index, a view or the like needs a function or an operator class of an extension.
func (f *fold) needsExtension(extension string) bool {
	return len(f.ListExtensionIndexes(extension)) > 0 || slices.ContainsFunc(f.listExtensionFunctions(extension), func(x *callee) bool {
		return len(x.listMemberCallers()) > 0 || len(x.listDomains()) > 0
	})
}

// listExtensionFunctions lists the functions of an extension that was created. It leaves out names that a function of the server or of the migrations
// has, too: a call may mean that one.
func (c *Catalog) listExtensionFunctions(extension string) []*callee {
	if c.Object("extension", Name{Name: extension}) == nil {
		return nil
	}
	migrationNames := map[string]bool{}
	c.EachFunction(func(fn *Function) bool {
		migrationNames[fn.Name.Name] = true
		return true
	})
	var out []*callee
	for _, name := range builtin.ListMembers(extension, builtin.Function) {
		if !migrationNames[name] && !builtin.Known(name) {
			out = append(out, &callee{c: c, name: Name{Name: name}})
		}
	}
	return out
}

// listMemberCallers lists the relations that need a function of an extension. Views do not know the functions that no statement made, so
// their queries are read.
func (x *callee) listMemberCallers() []Caller {
	out := x.listSureCallers()
	for _, r := range x.c.RelationsByOID(x.c.sortedRelations(func(r *Relation) bool { return r.View != nil && x.isSurelyCalledIn(r.View.Query) })) {
		if !slices.ContainsFunc(out, func(caller Caller) bool { return caller.Relation == r }) {
			out = append(out, Caller{Relation: r, Whole: true, Sure: true})
		}
	}
	return out
}

// ListExtensionUsers lists what needs the functions of an extension that was created, by function.
func (c *Catalog) ListExtensionUsers(extension string) []FunctionUsers {
	var out []FunctionUsers
	for _, x := range c.listExtensionFunctions(extension) {
		out = append(out, x.newUsers(x.listMemberCallers()))
	}
	return out
}

// ListExtensionIndexes lists the indexes that name an operator class of an extension that was created, oldest first.
func (c *Catalog) ListExtensionIndexes(extension string) []*Relation {
	classes := builtin.ListMembers(extension, builtin.OperatorClass)
	if len(classes) == 0 || c.Object("extension", Name{Name: extension}) == nil {
		return nil
	}
	return c.RelationsByOID(c.sortedRelations(func(r *Relation) bool {
		return r.Index != nil && slices.ContainsFunc(r.Index.Keys, func(k IndexKey) bool { return slices.Contains(classes, k.Opclass) })
	}))
}
