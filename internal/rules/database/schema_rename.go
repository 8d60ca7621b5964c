package database

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SchemaRename flags ALTER SCHEMA … RENAME TO.
// https://www.postgresql.org/docs/current/sql-alterschema.html
var SchemaRename = &rule.Rule{
	ID:       "schema-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "renaming a schema breaks deployed code that names it, or has it on its search_path",
	Harm: "Everything in the schema is called otherwise at once. Queries of the old code that name the schema fail with \"relation does not exist\", " +
		"and so do those that found its tables along search_path, which is text and does not follow.",
	Instead: "Create a schema with the new name, and leave views of the old names for one release.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-alterschema.html",
		"https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH",
	},
	Kinds:     rule.Another,
	Statement: checkSchemaRename,
}

func checkSchemaRename(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetRenameStmt()
	if stmt == nil || stmt.RenameType != pgparse.ObjectType_OBJECT_SCHEMA || s.Tx.RolledBack || !p.DeployedSchema(stmt.Subname, s.Before) ||
		s.Tx.After.Object("schema", catalog.Name{Name: stmt.Subname}) != nil {
		return
	}
	reportSchemaLoss(p, s, stmt.Subname, rule.Report{
		Fact:    "schema " + stmt.Subname + " is renamed to " + stmt.Newname,
		Harm:    "deployed code that names it, or has it on its search_path, fails",
		Instead: "create a schema with the new name, move the tables, and leave views of the old names for one release",
	})
}
