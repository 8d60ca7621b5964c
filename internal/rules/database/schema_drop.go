package database

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SchemaDrop flags DROP SCHEMA. https://www.postgresql.org/docs/current/sql-dropschema.html
var SchemaDrop = &rule.Rule{
	ID:       "schema-drop",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "DROP SCHEMA breaks deployed code that uses anything in it, and CASCADE drops all of it",
	Harm: "With CASCADE every table, view, type and function of the schema is gone, and so are the rows. " +
		"Queries of the old code that name them, or find them along search_path, fail.",
	Instead:   "Remove its objects from the code first, and drop them by name a release later; drop the schema last, without CASCADE.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropschema.html"},
	Kinds:     rule.Drop,
	Statement: checkSchemaDrop,
}

func checkSchemaDrop(p *rule.Pass, s *rule.Stmt) {
	for _, o := range s.ListDrops(pgparse.ObjectType_OBJECT_SCHEMA) {
		name := o.Name.Name
		if name == onward.PlanRoom && s.Node.GetDropStmt().GetBehavior() != pgparse.DropBehavior_DROP_CASCADE {
			continue // the schema of a plan's own state: the server refuses to drop it with anything in it
		}
		seen := s.Before.Object("schema", o.Name) != nil || name == "public"
		if !seen && s.IfExists() && describeContent(p, s.Before, name) == "" && (p.Release.Known || !p.Release.Deployed.IsBlank("")) ||
			!p.DeployedSchema(name, s.Before) || s.Tx.After.Object("schema", o.Name) != nil {
			continue
		}
		if !seen && s.IfExists() && s.Migration.After().Object("schema", o.Name) != nil {
			continue // there is none yet, most likely
		}
		r := rule.Report{
			Fact:    "schema " + name + " is dropped",
			Harm:    "deployed code that uses anything in it fails",
			Instead: "drop what is in it by name, a release after the code that used it, and the schema last, without CASCADE",
		}
		if !seen && s.IfExists() {
			r.Severity = onward.Warning
		}
		reportSchemaLoss(p, s, name, r)
	}
}
