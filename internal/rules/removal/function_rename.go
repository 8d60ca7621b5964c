package removal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// FunctionRename flags a function that gets another name or schema.
// https://www.postgresql.org/docs/current/sql-alterfunction.html
var FunctionRename = &rule.Rule{
	ID:       "function-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "renaming a function breaks deployed code that calls it by its old name",
	Harm: "Triggers, views and defaults follow a rename; the text of queries and of other functions' bodies does not: " +
		"calls by the old name fail with \"function does not exist\".",
	Instead:   "Create a second function with the new name, and drop the old one a release later.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-alterfunction.html"},
	Kinds:     rule.Another,
	Statement: checkFunctionRename,
}

func checkFunctionRename(p *rule.Pass, s *rule.Stmt) {
	if s.Tx.RolledBack {
		return
	}
	for i := range s.Deltas {
		d := &s.Deltas[i]
		if d.Kind != catalog.FunctionRenamed || !p.DeployedFunction(d.OldFunction) || !d.OldFunction.IsCalledByQueries() ||
			len(p.Release.Deployed.Functions(d.OldFunction.Name.Schema, d.OldFunction.Name.Name)) == 0 {
			continue
		}
		if s.Node.GetAlterObjectSchemaStmt() == nil && d.OldFunction.Name.Schema != d.NewFunction.Name.Schema {
			continue // with its schema: schema-rename
		}
		reportFunctionRename(p, s, d.OldFunction.Kind, d.OldFunction.Name, d.NewFunction.Name)
	}
	if from, to := findUnseenRename(s); from.Name != "" {
		reportFunctionRename(p, s, "function", from, to)
	}
}

// reportFunctionRename reports a function whose name goes.
func reportFunctionRename(p *rule.Pass, s *rule.Stmt, kind string, from, to catalog.Name) {
	if len(s.Tx.After.Functions(from.Schema, from.Name)) > 0 {
		return // function-signature-changed compares them
	}
	r := describeMove(kind, from, describeAct(s, to), findFunctionUses(p, s, from))
	r.Instead = "create a second one with the new name, and drop the old one a release later"
	p.Report(s, r)
}

// findUnseenRename returns the function that a statement gives another name and that none
// created: it is there all the same.
func findUnseenRename(s *rule.Stmt) (from, to catalog.Name) {
	var kind pgparse.ObjectType
	var object *pgparse.Node
	if x := s.Node.GetRenameStmt(); x != nil {
		kind, object, to.Name = x.GetRenameType(), x.GetObject(), x.GetNewname()
	} else if x := s.Node.GetAlterObjectSchemaStmt(); x != nil {
		kind, object, to.Schema = x.GetObjectType(), x.GetObject(), x.GetNewschema()
	}
	switch kind {
	case pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_PROCEDURE, pgparse.ObjectType_OBJECT_ROUTINE, pgparse.ObjectType_OBJECT_AGGREGATE:
	default:
		return from, to
	}
	schema, name := pgparse.SchemaAndName(object.GetObjectWithArgs().GetObjname())
	if s.Result.Refused != nil || len(s.Before.Functions(schema, name)) > 0 || s.Before.AbsentFunction(schema, name) {
		return from, to
	}
	if schema == "" {
		schema = s.Before.CreationSchema()
	}
	if to.Name == "" {
		return catalog.Name{Schema: schema, Name: name}, catalog.Name{Schema: to.Schema, Name: name}
	}
	return catalog.Name{Schema: schema, Name: name}, catalog.Name{Schema: schema, Name: to.Name}
}
