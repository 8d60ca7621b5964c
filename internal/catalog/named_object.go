package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// objectWords are the kinds of objects in Postgres' words.
var objectWords = map[pgparse.ObjectType]string{
	pgparse.ObjectType_OBJECT_ACCESS_METHOD: "access method", pgparse.ObjectType_OBJECT_AGGREGATE: "aggregate",
	pgparse.ObjectType_OBJECT_CAST: "cast", pgparse.ObjectType_OBJECT_COLLATION: "collation",
	pgparse.ObjectType_OBJECT_CONVERSION: "conversion", pgparse.ObjectType_OBJECT_DATABASE: "database",
	pgparse.ObjectType_OBJECT_DOMAIN: "domain", pgparse.ObjectType_OBJECT_EVENT_TRIGGER: "event trigger",
	pgparse.ObjectType_OBJECT_EXTENSION: "extension", pgparse.ObjectType_OBJECT_FDW: "foreign-data wrapper",
	pgparse.ObjectType_OBJECT_FOREIGN_SERVER: "server", pgparse.ObjectType_OBJECT_FOREIGN_TABLE: "foreign table",
	pgparse.ObjectType_OBJECT_FUNCTION: "function", pgparse.ObjectType_OBJECT_INDEX: "index",
	pgparse.ObjectType_OBJECT_LANGUAGE: "language", pgparse.ObjectType_OBJECT_LARGEOBJECT: "large object",
	pgparse.ObjectType_OBJECT_MATVIEW: "materialized view", pgparse.ObjectType_OBJECT_OPCLASS: "operator class",
	pgparse.ObjectType_OBJECT_OPERATOR: "operator", pgparse.ObjectType_OBJECT_OPFAMILY: "operator family",
	pgparse.ObjectType_OBJECT_PARAMETER_ACL: "parameter", pgparse.ObjectType_OBJECT_POLICY: "policy", pgparse.ObjectType_OBJECT_PROCEDURE: "procedure",
	pgparse.ObjectType_OBJECT_PUBLICATION: "publication", pgparse.ObjectType_OBJECT_ROLE: "role",
	pgparse.ObjectType_OBJECT_ROUTINE: "routine", pgparse.ObjectType_OBJECT_RULE: "rule",
	pgparse.ObjectType_OBJECT_SCHEMA: "schema", pgparse.ObjectType_OBJECT_SEQUENCE: "sequence",
	pgparse.ObjectType_OBJECT_STATISTIC_EXT: statisticsObject, pgparse.ObjectType_OBJECT_SUBSCRIPTION: "subscription",
	pgparse.ObjectType_OBJECT_TABLE: "table", pgparse.ObjectType_OBJECT_TABLESPACE: "tablespace",
	pgparse.ObjectType_OBJECT_TRANSFORM: "transform", pgparse.ObjectType_OBJECT_TRIGGER: "trigger",
	pgparse.ObjectType_OBJECT_TSCONFIGURATION: "text search configuration", pgparse.ObjectType_OBJECT_TSDICTIONARY: "text search dictionary",
	pgparse.ObjectType_OBJECT_TSPARSER: "text search parser", pgparse.ObjectType_OBJECT_TSTEMPLATE: "text search template",
	pgparse.ObjectType_OBJECT_TYPE: "type", pgparse.ObjectType_OBJECT_USER_MAPPING: "user mapping", pgparse.ObjectType_OBJECT_VIEW: "view",
}

// ObjectWord returns the kind of an object in Postgres' words.
func ObjectWord(t pgparse.ObjectType) string {
	if w, ok := objectWords[t]; ok {
		return w
	}
	return "object"
}

// livesInSchema reports whether objects of a kind belong to a schema.
func livesInSchema(t pgparse.ObjectType) bool {
	switch t {
	case pgparse.ObjectType_OBJECT_COLLATION, pgparse.ObjectType_OBJECT_CONVERSION, pgparse.ObjectType_OBJECT_STATISTIC_EXT,
		pgparse.ObjectType_OBJECT_TSCONFIGURATION, pgparse.ObjectType_OBJECT_TSDICTIONARY, pgparse.ObjectType_OBJECT_TSPARSER,
		pgparse.ObjectType_OBJECT_TSTEMPLATE, pgparse.ObjectType_OBJECT_OPERATOR, pgparse.ObjectType_OBJECT_OPCLASS, pgparse.ObjectType_OBJECT_OPFAMILY,
		pgparse.ObjectType_OBJECT_AGGREGATE, pgparse.ObjectType_OBJECT_FUNCTION:
		return true
	}
	return false
}

// objectName is the name of an object in a statement that works on any kind.
// What has no plain name (casts, operators) gets its spelling.
func (f *fold) objectName(kind pgparse.ObjectType, n *pgparse.Node) Name {
	switch kind {
	case pgparse.ObjectType_OBJECT_OPERATOR:
		schema, name := pgparse.SchemaAndName(n.GetObjectWithArgs().GetObjname())
		return f.fullNameForCreate(schema, name+f.argList(n.GetObjectWithArgs().GetObjargs()))
	case pgparse.ObjectType_OBJECT_OPCLASS, pgparse.ObjectType_OBJECT_OPFAMILY:
		// The access method comes first.
		if list := pgparse.ListItems(n); len(list) > 1 {
			schema, name := pgparse.SchemaAndName(list[1:])
			return f.fullNameForCreate(schema, name+" "+pgparse.StringText(list[0]))
		}
	case pgparse.ObjectType_OBJECT_CAST, pgparse.ObjectType_OBJECT_TRANSFORM:
		parts := make([]string, 0, 2)
		for _, p := range pgparse.ListItems(n) {
			if t := p.GetTypeName(); t != nil {
				parts = append(parts, f.TypeOf(t).String())
			} else {
				parts = append(parts, pgparse.StringText(p))
			}
		}
		return Name{"", strings.Join(parts, " → ")}
	}
	schema, name := pgparse.SchemaAndName(pgparse.ListItems(n))
	if n.GetTypeName() != nil {
		schema, name = pgparse.SchemaAndName(n.GetTypeName().GetNames())
	}
	if !livesInSchema(kind) {
		return Name{"", name}
	}
	return f.fullNameForCreate(schema, name)
}

func (f *fold) argList(list []*pgparse.Node) string {
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = "none"
		if n.GetTypeName() != nil {
			parts[i] = f.TypeOf(n.GetTypeName()).String()
		}
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// createObject stores an object that is kept by name. replace and ifNotExists
// are the statement's.
func (f *fold) createObject(o *Object, replace, ifNotExists bool) {
	if old := f.Object(o.Kind, o.Name); old != nil && !replace {
		if !ifNotExists {
			f.addProblem(f.isHistoryComplete(), pgerror.ObjectExists, o.Kind, o.Name.Name)
		}
		return
	}
	f.storeObject(o)
}

// isClusterWide reports whether objects of a kind belong to no database: no schema
// tells which there are.
func isClusterWide(kind string) bool {
	return kind == "database" || kind == "role" || kind == "tablespace"
}

// recordObjectChange notes a change of an object that is kept by name.
func (f *fold) recordObjectChange(kind string, name Name, detail string) {
	o := f.Object(kind, name)
	if o == nil {
		_, isDropped := f.gone.get(objectKey{kind, name})
		if isDropped || f.isMissing(kind, name) && !isClusterWide(kind) && !hasBuiltinObjects(kind) {
			f.addProblem(true, pgerror.ObjectMissing, kind, name.Name)
			return
		}
		o = &Object{Kind: kind, Name: name}
	}
	next := *o
	next.Detail = detail
	f.storeObject(&next)
}

// hasBuiltinObjects reports whether the server has objects of a kind, which a name without
// a schema finds.
func hasBuiltinObjects(kind string) bool {
	switch kind {
	case "collation", "operator", "operator family", "text search dictionary", "text search configuration":
		return true
	}
	return false
}

// moveObject gives an object another name.
func (f *fold) moveObject(kind string, from, to Name) {
	o := f.Object(kind, from)
	if o == nil {
		f.markDropped(kind, from)
		return
	}
	next := *o
	next.Name = to
	f.removeObject(kind, from)
	f.storeObject(&next)
	if t := f.editRelation(o.Table); t != nil && kind == statisticsObject {
		t.copyRare().Statistics = appendShared(f, removeValue(t.Statistics, from), to)
	}
}

func (f *fold) renameObject(s *pgparse.RenameStmt, to string) {
	kind := ObjectWord(s.GetRenameType())
	var name Name
	if s.GetObject() != nil {
		name = f.objectName(s.GetRenameType(), s.GetObject())
	} else {
		name = Name{"", clipName(s.GetSubname())}
	}
	if kind == "object" {
		f.recordUnmodelled("ALTER … RENAME of an object of an unknown kind")
		return
	}
	newName := Name{name.Schema, to}
	if list := pgparse.ListItems(s.GetObject()); kind == "operator class" || kind == "operator family" {
		newName.Name += " " + pgparse.StringText(list[0]) // the access method, as in objectName
	}
	f.moveObject(kind, name, newName)
	if kind == "server" {
		var mappings []Name
		f.EachObject("user mapping", func(o *Object) bool {
			if o.Name.Schema == name.Name {
				mappings = append(mappings, o.Name)
			}
			return true
		})
		for _, mapping := range mappings {
			f.moveObject("user mapping", mapping, Name{to, mapping.Name})
		}
	}
}

// dropObjects drops what is kept by kind and name.
func (f *fold) dropObjects(s *pgparse.DropStmt, cascade bool) {
	kind := ObjectWord(s.GetRemoveType())
	if kind == "object" {
		f.recordUnmodelled("DROP of an object of an unknown kind")
		return
	}
	for _, n := range s.GetObjects() {
		name := f.objectName(s.GetRemoveType(), n)
		if kind == "extension" {
			f.dropExtensionMembers(name.Name, cascade)
		}
		if f.failed {
			return
		}
		f.dropObject(kind, name, s.GetMissingOk())
		if kind == "extension" && cascade && !slices.Contains(WithoutTypes, name.Name) {
			// The catalog does not know all objects that belong to an extension.
			f.recordUnmodelled("DROP EXTENSION … CASCADE")
		}
	}
}

func (f *fold) dropObject(kind string, name Name, missingOK bool) {
	o := f.Object(kind, name)
	if o == nil {
		if !missingOK && f.isMissing(kind, name) && !isClusterWide(kind) {
			f.addProblem(true, pgerror.ObjectMissing, kind, name.Name)
			return
		}
		f.markDropped(kind, name)
		return
	}
	if kind == statisticsObject {
		f.forgetStatistics(o)
	}
	f.removeObject(kind, name)
}

// defineObject folds CREATE AGGREGATE, OPERATOR, TYPE, COLLATION and TEXT SEARCH ….
func (f *fold) defineObject(s *pgparse.DefineStmt) {
	schema, n := pgparse.SchemaAndName(s.GetDefnames())
	switch s.GetKind() {
	case pgparse.ObjectType_OBJECT_TYPE:
		if oid, name, ok := f.claimShellName(s); ok {
			f.storeType(&UserType{OID: oid, Name: name, Kind: Base})
		}
	case pgparse.ObjectType_OBJECT_AGGREGATE:
		fn := &Function{Name: f.fullNameForCreate(schema, n), Kind: "aggregate", Volatility: "immutable", BodyOffset: -1}
		if args := s.GetArgs(); len(args) > 0 {
			for _, a := range pgparse.ListItems(args[0]) {
				if p := a.GetFunctionParameter(); p != nil {
					fn.Args = append(fn.Args, f.TypeOf(p.GetArgType()))
				}
			}
		}
		if d := findOption(s.GetDefinition(), "basetype"); d != nil && d.GetArg().GetTypeName() != nil {
			fn.Args = append(fn.Args, f.TypeOf(d.GetArg().GetTypeName()))
		}
		f.storeFunction(fn, s.GetReplace())
	case pgparse.ObjectType_OBJECT_OPERATOR:
		var operands []Type
		side := func(name string) string {
			if d := findOption(s.GetDefinition(), name); d != nil {
				operands = append(operands, f.TypeOf(d.GetArg().GetTypeName()))
				return operands[len(operands)-1].String()
			}
			return "none"
		}
		n += "(" + side("leftarg") + ", " + side("rightarg") + ")"
		f.createObject(&Object{Kind: "operator", Name: f.fullNameForCreate(schema, n), Calls: f.operatorFunction(s, operands)}, false, false)
	default:
		kind := ObjectWord(s.GetKind())
		if kind == "object" {
			f.recordUnmodelled("CREATE of an object of an unknown kind")
			return
		}
		f.createObject(&Object{Kind: kind, Name: f.fullNameForCreate(schema, n)}, s.GetReplace(), s.GetIfNotExists())
	}
}

// operatorFunction returns the function that CREATE OPERATOR names; 0 if no statement created it.
func (f *fold) operatorFunction(s *pgparse.DefineStmt, operands []Type) OID {
	d := findOption(s.GetDefinition(), "function")
	if d == nil {
		d = findOption(s.GetDefinition(), "procedure")
	}
	schema, name := pgparse.SchemaAndName(d.GetArg().GetTypeName().GetNames())
	for _, fn := range f.Functions(schema, name) {
		if hasSameArguments(fn.Args, operands) {
			return fn.OID
		}
	}
	return 0
}

// operatorsCalling lists the operators of a function.
func (f *fold) operatorsCalling(fn OID) []Name {
	var out []Name
	f.EachObject("operator", func(o *Object) bool {
		if o.Calls == fn {
			out = append(out, o.Name)
		}
		return true
	})
	slices.SortFunc(out, compareNames)
	return out
}

// claimShellName is claimTypeName for CREATE TYPE name and CREATE TYPE name (…): the first
// makes a shell, which the second fills.
func (f *fold) claimShellName(s *pgparse.DefineStmt) (OID, Name, bool) {
	schema, n := pgparse.SchemaAndName(s.GetDefnames())
	if old := f.LookupType(schema, n); old != nil && old.Kind == Base && len(s.GetDefinition()) > 0 {
		return old.OID, old.Name, true
	}
	return f.claimTypeName(s.GetDefnames())
}
