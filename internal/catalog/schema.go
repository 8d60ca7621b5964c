package catalog

import (
	"slices"
	"sort"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// https://www.postgresql.org/docs/current/sql-createschema.html
func (f *fold) createSchema(s *pgparse.CreateSchemaStmt) {
	name := clipName(s.GetSchemaname())
	if name == "" {
		name = RoleName(s.GetAuthrole())
	}
	if f.Object("schema", Name{"", name}) != nil || name == "public" {
		if !s.GetIfNotExists() {
			f.addProblem(f.isHistoryComplete() && name != "public", pgerror.SchemaExists, name)
		}
		if f.failed || s.GetIfNotExists() {
			return
		}
	}
	f.storeObject(&Object{Kind: "schema", Name: Name{"", name}, Owner: RoleName(s.GetAuthrole())})
	// The objects inside the statement are created in the new schema.
	path := f.SearchPath
	f.SearchPath = append([]string{name}, path...)
	for _, e := range s.GetSchemaElts() {
		f.foldStatement(pgparse.Unwrap(e))
	}
	f.SearchPath = path
}

// listSchemaObjects lists what a schema holds, oldest first.
func (f *fold) listSchemaObjects(schema string) (relations, types []OID, functions []Name, objects []objectKey) {
	relations = f.sortedRelations(func(r *Relation) bool { return r.Name.Schema == schema })
	for oid, t := range f.types.all() {
		if t.Name.Schema == schema {
			types = append(types, oid)
		}
	}
	slices.Sort(types)
	for name := range f.functions.all() {
		if name.Schema == schema {
			functions = append(functions, name)
		}
	}
	sort.Slice(functions, func(i, j int) bool { return functions[i].Name < functions[j].Name })
	for k := range f.objects.all() {
		if k.name.Schema == schema {
			objects = append(objects, k)
		}
	}
	sort.Slice(objects, func(i, j int) bool {
		return objects[i].kind+"\x00"+objects[i].name.Name < objects[j].kind+"\x00"+objects[j].name.Name
	})
	return relations, types, functions, objects
}

// dropSchema drops a schema, with CASCADE all that is in it.
func (f *fold) dropSchema(name string, cascade, missingOK bool) {
	name = clipName(name)
	key := Name{"", name}
	if f.Object("schema", key) == nil && name != "public" {
		if !missingOK && f.isMissing("schema", key) {
			f.addProblem(true, pgerror.SchemaMissing, name)
			return
		}
	}
	relations, types, functions, objects := f.listSchemaObjects(name)
	if !cascade && len(relations)+len(types)+len(functions)+len(objects) > 0 {
		f.addConflict(true, pgerror.HasDependents, "schema", name)
		if f.failed {
			return
		}
	}
	for _, oid := range relations {
		f.dropWithRowType(oid)
	}
	for _, oid := range types {
		if u := f.Type(oid); u != nil {
			f.dropUserType(u)
		}
	}
	for _, fn := range functions {
		for _, o := range f.functionsNamed(fn) {
			// Its overloads go too.
			f.dropCallersOrRefuse(f.newCallee(fn, []*Function{o}, 0), true)
		}
		f.setFunctions(fn, nil)
		f.markDropped("function", fn)
	}
	for _, k := range objects {
		f.removeObject(k.kind, k.name)
	}
	f.removeObject("schema", key)
}

// dropUserType drops a type with the columns that have it.
func (f *fold) dropUserType(u *UserType) {
	names := []*pgparse.Node{stringNode(u.Name.Schema), stringNode(u.Name.Name)}
	f.dropType(&pgparse.TypeName{Names: names}, false, true, true)
}

func stringNode(s string) *pgparse.Node {
	return &pgparse.Node{Node: &pgparse.Node_String_{String_: &pgparse.String{Sval: s}}}
}

// renameSchema renames a schema: all that is in it gets another name.
func (f *fold) renameSchema(from, to string) {
	from = clipName(from)
	if f.Object("schema", Name{"", to}) != nil {
		f.addProblem(f.isHistoryComplete(), pgerror.SchemaExists, to)
		if f.failed {
			return
		}
		f.dropSchema(to, true, true)
	}
	if o := f.Object("schema", Name{"", from}); o != nil {
		next := *o
		next.Name = Name{"", to}
		f.removeObject("schema", o.Name)
		f.storeObject(&next)
	} else if f.isMissing("schema", Name{"", from}) {
		f.addProblem(true, pgerror.SchemaMissing, from)
		return
	} else {
		f.storeObject(&Object{Kind: "schema", Name: Name{"", to}})
	}
	relations, types, functions, objects := f.listSchemaObjects(from)
	for _, oid := range relations {
		if r := f.Relation(oid); r != nil { // else it went with one that had its new name
			f.setRelationName(oid, Name{to, r.Name.Name})
		}
	}
	for _, oid := range types {
		u := f.changeType(oid, func(t *UserType) { t.Name.Schema = to })
		f.renameColumnTypes(oid, u.Name)
	}
	for _, name := range functions {
		list := slices.Clone(f.functionsNamed(name))
		for len(list) > 0 {
			f.moveFunction(name, list, 0, Name{to, name.Name})
			list = list[1:]
		}
	}
	for _, k := range objects {
		f.moveObject(k.kind, k.name, Name{to, k.name.Name})
	}
}

// setSchema is ALTER … SET SCHEMA.
func (f *fold) setSchema(s *pgparse.AlterObjectSchemaStmt) {
	to := clipName(s.GetNewschema())
	switch s.GetObjectType() {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW,
		pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		r := f.requireRelation(s.GetRelation(), KindOfObject(s.GetObjectType()), s.GetMissingOk())
		if r != nil {
			f.moveRelation(r, to)
		}
	case pgparse.ObjectType_OBJECT_TYPE, pgparse.ObjectType_OBJECT_DOMAIN:
		if u := f.requireType(pgparse.ListItems(s.GetObject()), Base, s.GetMissingOk()); u != nil {
			f.moveType(u, Name{to, u.Name.Name})
		}
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
		if name, list, index := f.findFunction(s.GetObject().GetObjectWithArgs()); index >= 0 {
			f.moveFunction(name, list, index, Name{to, name.Name})
		}
	case pgparse.ObjectType_OBJECT_EXTENSION:
		f.recordObjectChange("extension", Name{"", clipName(constText(s.GetObject()))}, "schema "+to)
	default:
		kind := ObjectWord(s.GetObjectType())
		name := f.objectName(s.GetObjectType(), s.GetObject())
		f.moveObject(kind, name, Name{to, name.Name})
	}
}

// moveRelation moves a relation to another schema, with its indexes and owned
// sequences.
func (f *fold) moveRelation(r *Relation, to string) {
	if r.Name.Schema == to || !f.makeNameFree(r.OID, Name{to, r.Name.Name}) {
		return
	}
	f.setRelationName(r.OID, Name{to, r.Name.Name})
	for _, oid := range r.Indexes {
		if i := f.Relation(oid); i != nil && (i.Name.Schema == to || f.makeNameFree(oid, Name{to, i.Name.Name})) {
			f.setRelationName(oid, Name{to, i.Name.Name})
		}
	}
	for _, c := range r.Columns {
		if s := f.Relation(c.Sequence); s != nil && (s.Name.Schema == to || f.makeNameFree(s.OID, Name{to, s.Name.Name})) {
			f.setRelationName(s.OID, Name{to, s.Name.Name})
		}
	}
	for _, name := range r.Statistics {
		f.moveObject("statistics object", name, Name{to, name.Name})
	}
}
