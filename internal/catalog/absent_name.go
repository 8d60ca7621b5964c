package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// checkAbsentNames checks the functions, types, sequences and operator classes that a statement names anywhere: the server looks each of
// them up. Roles, tablespaces, languages, collations and operators are left out, because no schema has all of them.
func (k *checker) checkAbsentNames(node *pgparse.Node) {
	if k.problem != nil || k.isSkippedByServer(node) {
		return
	}
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.SelectStmt, *pgparse.InsertStmt, *pgparse.UpdateStmt, *pgparse.DeleteStmt, *pgparse.MergeStmt, *pgparse.ViewStmt,
		*pgparse.CreateTableAsStmt, *pgparse.CreateStmt, *pgparse.CreateForeignTableStmt, *pgparse.AlterTableStmt, *pgparse.IndexStmt,
		*pgparse.CreateTrigStmt, *pgparse.CreatePolicyStmt, *pgparse.AlterPolicyStmt, *pgparse.RuleStmt, *pgparse.CreateDomainStmt,
		*pgparse.AlterDomainStmt, *pgparse.CompositeTypeStmt, *pgparse.PrepareStmt, *pgparse.ExplainStmt, *pgparse.DeclareCursorStmt:
	case *pgparse.CreateFunctionStmt:
		if language, _ := pgparse.FunctionCode(s.GetOptions()); s.GetSqlBody() == nil && language != "sql" && language != "plpgsql" {
			return // other languages may take a type that is made later
		}
	case *pgparse.CommentStmt:
		k.checkRoutine(s.GetObjtype(), s.GetObject())
	case *pgparse.AlterFunctionStmt:
		k.checkRoutine(s.GetObjtype(), &pgparse.Node{Node: &pgparse.Node_ObjectWithArgs{ObjectWithArgs: s.GetFunc()}})
	case *pgparse.AlterOwnerStmt:
		k.checkRoutine(s.GetObjectType(), s.GetObject())
	case *pgparse.RenameStmt:
		k.checkRoutine(s.GetRenameType(), s.GetObject())
	case *pgparse.AlterObjectSchemaStmt:
		k.checkRoutine(s.GetObjectType(), s.GetObject())
	case *pgparse.GrantStmt:
		for _, n := range s.GetObjects() {
			k.checkRoutine(s.GetObjtype(), n)
		}
		return
	default:
		return
	}
	if s := node.GetIndexStmt(); s != nil {
		for _, n := range s.GetIndexParams() {
			k.checkOperatorClass(n.GetIndexElem(), s.GetAccessMethod())
		}
	}
	pgparse.Walk(node, func(m any) bool {
		switch x := m.(type) {
		case *pgparse.DefElem:
			return false // a word of an option is a type to the parser
		case *pgparse.FuncCall:
			k.checkCall(x)
			k.checkSequenceArgument(x)
		case *pgparse.TypeName:
			k.checkType(x)
		case *pgparse.TypeCast:
			if pgparse.LastText(x.GetTypeName().GetNames()) == "regclass" {
				k.checkRelationText(x.GetArg())
			}
		}
		return k.problem == nil
	})
}

// isSkippedByServer reports whether the server does nothing, because what the statement makes is there, or what it changes is not.
func (k *checker) isSkippedByServer(node *pgparse.Node) bool {
	switch s := pgparse.Unwrap(node).(type) {
	case *pgparse.CreateStmt:
		return s.GetIfNotExists() && k.c.findRelation(pgparse.RangeName(s.GetRelation())) != nil
	case *pgparse.CreateForeignTableStmt:
		return s.GetBaseStmt().GetIfNotExists() && k.c.findRelation(pgparse.RangeName(s.GetBaseStmt().GetRelation())) != nil
	case *pgparse.CreateTableAsStmt:
		return s.GetIfNotExists() && k.c.findRelation(pgparse.RangeName(s.GetInto().GetRel())) != nil
	case *pgparse.AlterTableStmt:
		return s.GetMissingOk() && k.c.findRelation(pgparse.RangeName(s.GetRelation())) == nil
	case *pgparse.IndexStmt:
		return s.GetIfNotExists()
	case *pgparse.RenameStmt:
		return s.GetMissingOk()
	case *pgparse.AlterObjectSchemaStmt:
		return s.GetMissingOk()
	}
	return false
}

// reportAbsent records an object that nothing has made: for certain if the catalog is complete, else as one that should have been seen.
func (k *checker) reportAbsent(object builtin.ObjectKind, schema, name string, no *pgerror.Refusal) {
	if k.problem != nil || !k.c.Complete && !k.unseen || !k.isSchemaKnown(schema) || k.c.extensionMayProvide(object, name) ||
		!k.c.Complete && k.c.hasRewrittenTypes() {
		return
	}
	for n := k.c.Unmodelled; n != nil; n = n.Next {
		if !n.Told || n.names != nil {
			return
		}
	}
	k.problem = &Problem{Refusal: *no, Certain: k.c.Complete, Unseen: !k.c.Complete, Extension: builtin.FindExtension(object, name)}
}

// FindUnseenName returns the problem of a statement that names a function, type or operator class which nothing in the history has
// made; nil if there is none, or if the history names others like it that it has not made.
func (c *Catalog) FindUnseenName(deployed *Catalog, node *pgparse.Node) *Problem {
	if c.Complete {
		return nil // Judge finds it
	}
	k := &checker{c: c, unseen: true}
	k.checkAbsentNames(node)
	if k.problem == nil || !k.problem.Unseen || !deployed.isAbsenceReliable(k.problem) {
		return nil
	}
	return k.problem
}

// isSchemaKnown reports whether the objects of a schema are known; "" means the schema of names without one.
func (k *checker) isSchemaKnown(schema string) bool {
	if schema == "" || schema == "public" {
		return schema != "" || k.hasPublicSearchPath()
	}
	return k.c.Object("schema", Name{"", schema}) != nil
}

// extensionMayProvide reports whether an extension of the catalog may have an object of that name.
func (c *Catalog) extensionMayProvide(object builtin.ObjectKind, name string) bool {
	found := false
	c.EachObject("extension", func(o *Object) bool {
		found = !builtin.HasExtension(o.Name.Name) || builtin.Brings(o.Name.Name, object, name)
		return !found
	})
	return found
}

// checkCall checks the name of a function: it was dropped, and did not come back; another database has it; or nothing has made it.
func (k *checker) checkCall(f *pgparse.FuncCall) {
	schema, name := pgparse.SchemaAndName(f.GetFuncname())
	if schema == "" && !k.hasPublicSearchPath() || builtin.Known(name) || isSystemSchema(schema) || schema == "pg_temp" || len(k.c.Functions(schema, name)) > 0 {
		return
	}
	no := pgerror.FunctionMissing.NewRefusal(displayName(schema, name) + "()")
	_, isDropped := k.c.gone.get(objectKey{"function", k.c.fullNameForCreate(schema, name)})
	foreign := schema == "" && slices.Contains(foreignFunctions, name) && k.c.isHistoryComplete() && k.c.hasOnlyPlainExtensions() && !k.c.hasRewrittenTypes()
	if isDropped || foreign {
		k.recordProblem(pgerror.FunctionMissing, displayName(schema, name)+"()")
		return
	}
	if len(f.GetArgs()) == 1 && (k.c.hasColumn(name) || k.c.LookupType(schema, name) != nil || k.c.Lookup(schema, name) != nil) {
		return // a cast, or a column of the row that is the argument
	}
	if u := k.c.LookupType(schema, name); u == nil && !strings.Contains(name, "multirange") {
		k.reportAbsent(builtin.Function, schema, name, no)
	}
}

// hasColumn reports whether a relation or a composite type has a column of that name: f(row) may mean row.f.
func (c *Catalog) hasColumn(name string) bool {
	found := false
	c.EachRelation(func(r *Relation) bool {
		found = r.Column(name) != nil
		return !found
	})
	return found
}

// checkType checks the name of a type.
func (k *checker) checkType(t *pgparse.TypeName) {
	schema, name := pgparse.SchemaAndName(t.GetNames())
	if name == "" || t.GetPctType() || isSystemSchema(schema) || schema == "pg_temp" || schema == "" && (strings.HasPrefix(name, "pg_") || isSerialName(name)) {
		return
	}
	if _, known := builtin.Type(name); known || k.c.TypeOf(t).OID != 0 || strings.HasPrefix(name, "_") || strings.Contains(name, "multirange") {
		return
	}
	k.reportAbsent(builtin.TypeName, schema, name, pgerror.TypeMissing.NewRefusal(displayName(schema, name)+strings.Repeat("[]", len(t.GetArrayBounds()))))
}

func isSerialName(name string) bool {
	switch name {
	case "serial", "serial2", "serial4", "serial8", "bigserial", "smallserial":
		return true
	}
	return false
}

// checkSequenceArgument checks the sequence whose name a call has as a constant: the server looks it up when it reads the statement.
func (k *checker) checkSequenceArgument(f *pgparse.FuncCall) {
	switch pgparse.LastText(f.GetFuncname()) {
	case "nextval", "currval", "setval":
		if len(f.GetArgs()) > 0 {
			k.checkRelationText(f.GetArgs()[0])
		}
	}
}

// checkRelationText checks a constant that is read as the name of a relation.
func (k *checker) checkRelationText(n *pgparse.Node) {
	text := n.GetAConst().GetSval().GetSval()
	if k.problem != nil || text == "" || strings.Trim(text, "0123456789") == "" {
		return
	}
	schema, name := query.SplitName(text)
	if schema == "" && !k.hasPublicSearchPath() {
		return
	}
	if found := k.c.ResolveName(schema, name); found.Relation == nil && k.c.Complete && !found.System && found.Full.Schema != "pg_temp" {
		k.recordProblem(pgerror.RelationMissing, text)
	}
}

// checkOperatorClass checks an operator class of an extension that comes with Postgres.
func (k *checker) checkOperatorClass(e *pgparse.IndexElem, method string) {
	schema, name := pgparse.SchemaAndName(e.GetOpclass())
	if name == "" || schema != "" && schema != "public" || builtin.FindExtension(builtin.OperatorClass, name) == "" {
		return
	}
	found := false
	k.c.EachObject("operator class", func(o *Object) bool {
		className, _, _ := strings.Cut(o.Name.Name, " ")
		found = className == name
		return !found
	})
	if !found {
		k.reportAbsent(builtin.OperatorClass, schema, name, pgerror.OperatorClassMissing.NewRefusal(name, method))
	}
}

// checkRoutine checks the function or procedure that COMMENT, GRANT or ALTER names.
func (k *checker) checkRoutine(kind pgparse.ObjectType, n *pgparse.Node) {
	o := n.GetObjectWithArgs()
	if o == nil {
		return
	}
	switch kind {
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE:
	default:
		return
	}
	schema, name := pgparse.SchemaAndName(o.GetObjname())
	if builtin.Known(name) || isSystemSchema(schema) || len(k.c.Functions(schema, name)) > 0 {
		return
	}
	k.reportAbsent(builtin.Function, schema, name, pgerror.FunctionMissing.NewRefusal(displayName(schema, name)+"()"))
}

// isAbsenceReliable reports whether an absent object of that kind should have been seen: the history names none that nothing made.
func (c *Catalog) isAbsenceReliable(x *Problem) bool {
	switch x.Kind {
	case pgerror.FunctionMissing:
		createdFunctions := map[string]bool{}
		c.EachFunction(func(f *Function) bool { createdFunctions[f.Name.Name] = true; return true })
		for name := range c.called.all() {
			if n := string(name); !createdFunctions[n] && !builtin.Known(n) && !c.extensionProvides(builtin.Function, n) {
				return false
			}
		}
	case pgerror.TypeMissing, pgerror.OperatorClassMissing:
		known := true
		c.EachRelation(func(r *Relation) bool {
			known = !slices.ContainsFunc(r.Columns, func(col *Column) bool { return c.isTypeUnseen(col.Type) }) &&
				(r.Index == nil || !slices.ContainsFunc(r.Index.Keys, c.isOperatorClassUnseen))
			return known
		})
		return known
	}
	return true
}

// isTypeUnseen reports whether a type is used that nothing made and no known extension brings.
func (c *Catalog) isTypeUnseen(t Type) bool {
	if t.OID != 0 || !t.IsKnown() || t.Name.Schema == "pg_catalog" {
		return false
	}
	_, known := builtin.Type(t.Name.Name)
	return !known && !c.extensionProvides(builtin.TypeName, t.Name.Name)
}

func (c *Catalog) isOperatorClassUnseen(key IndexKey) bool {
	return builtin.FindExtension(builtin.OperatorClass, key.Opclass) != "" && !c.extensionProvides(builtin.OperatorClass, key.Opclass)
}

// extensionProvides reports whether an extension of the catalog brings an object for certain.
func (c *Catalog) extensionProvides(object builtin.ObjectKind, name string) bool {
	found := false
	c.EachObject("extension", func(o *Object) bool {
		found = builtin.Brings(o.Name.Name, object, name)
		return !found
	})
	return found
}
