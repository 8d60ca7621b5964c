package removal

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// OnwardObjectChanged flags DDL of what onward itself keeps in a database. What a plan's own migrations have made is known from them.
// https://www.postgresql.org/docs/current/sql-dropschema.html
var OnwardObjectChanged = &rule.Rule{
	ID:       "onward-object-changed",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "the migration changes what onward itself keeps in the database: its ledger, or the triggers of a plan under way",
	Harm: "A tool that compares the database with its models has written onward's own tables and triggers into the migration. It was generated while a plan " +
		"was under way. When it runs, the plan is lost: its second columns stay, and nothing fills them any more.",
	Instead:   "Leave the statement out. docs/schema-tools.md says how each tool ignores what belongs to onward.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropschema.html"},
	Statement: checkOnwardObject,
}

// droppedKinds are what a plan makes, and the schema of the ledger.
var droppedKinds = []pgparse.ObjectType{
	pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_INDEX, pgparse.ObjectType_OBJECT_SEQUENCE, pgparse.ObjectType_OBJECT_VIEW,
	pgparse.ObjectType_OBJECT_FUNCTION, pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_SCHEMA,
}

func checkOnwardObject(p *rule.Pass, s *rule.Stmt) {
	for _, name := range listOnwardObjects(p, s) {
		p.Report(s, rule.Report{
			Fact: "the statement changes " + name + ", which belongs to onward and not to the project",
			Harm: "the migration was generated while a plan of onward was under way: the plan is lost when the statement runs, " +
				"and its second columns and triggers stay as they are then",
			Instead: "leave the statement out, and let the tool ignore what belongs to onward: docs/schema-tools.md. onward status --db ADDRESS names the plan",
		})
	}
}

// listOnwardObjects lists what a statement of DDL changes and onward keeps.
func listOnwardObjects(p *rule.Pass, s *rule.Stmt) (out []string) {
	switch s.Node.GetNode().(type) {
	case *pgparse.Node_AlterTableStmt, *pgparse.Node_RenameStmt, *pgparse.Node_TruncateStmt, *pgparse.Node_CreateStmt, *pgparse.Node_IndexStmt,
		*pgparse.Node_AlterObjectSchemaStmt:
		pgparse.Walk(s.Node, func(n any) bool {
			if rv, ok := n.(*pgparse.RangeVar); ok && isOnwardRelation(s, rv.GetSchemaname(), rv.GetRelname()) {
				out = append(out, rv.GetSchemaname()+"."+rv.GetRelname())
			}
			return true
		})
	case *pgparse.Node_CreateSchemaStmt:
		if name := s.Node.GetCreateSchemaStmt().GetSchemaname(); name == ledgerSchema {
			out = append(out, "the schema "+name)
		}
	case *pgparse.Node_DropStmt:
		// A plan's own steps drop what is in its schema if it exists, and never with CASCADE.
		careful := s.IfExists() && s.Node.GetDropStmt().GetBehavior() != pgparse.DropBehavior_DROP_CASCADE
		for _, o := range s.ListDrops(droppedKinds...) {
			if isOnwardDrop(p, s, o, careful) {
				out = append(out, o.Name.String())
			}
		}
	}
	return out
}

// ledgerSchema is [ledger.Schema], which a pure package cannot import.
const ledgerSchema = "onward_ledger"

// isOnwardRelation reports whether a relation is one of the ledger's, or of a plan that the migrations did not make.
func isOnwardRelation(s *rule.Stmt, schema, name string) bool {
	return schema == ledgerSchema || schema == onward.PlanRoom && s.Before.Lookup(schema, name) == nil && s.Node.GetCreateStmt() == nil
}

// isOnwardDrop reports whether a DROP takes away what onward keeps.
func isOnwardDrop(p *rule.Pass, s *rule.Stmt, o analysis.DroppedObject, careful bool) bool {
	switch s.Node.GetDropStmt().GetRemoveType() {
	case pgparse.ObjectType_OBJECT_SCHEMA:
		return o.Name.Name == ledgerSchema || o.Name.Name == onward.PlanRoom && !careful
	case pgparse.ObjectType_OBJECT_FUNCTION:
		return recipe.IsPlanTrigger(o.Name.Name) && len(s.Before.Functions(o.Schema, o.Name.Name)) == 0 && !(careful && isSchemaUnknown(p))
	case pgparse.ObjectType_OBJECT_TRIGGER:
		parts := pgparse.StringTexts(o.Node.GetList().GetItems())
		table, trigger := catalog.Name{Name: parts[len(parts)-2]}, parts[len(parts)-1]
		if len(parts) > 2 {
			table.Schema = parts[0]
		}
		t := s.Before.Lookup(table.Schema, table.Name)
		return recipe.IsPlanTrigger(trigger) && (t == nil || t.Trigger(trigger) == nil) && !(careful && isSchemaUnknown(p))
	}
	return o.Schema == ledgerSchema || isOnwardRelation(s, o.Schema, o.Name.Name) && !careful
}
