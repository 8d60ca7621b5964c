package removal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableSetSchema flags a table that moves to another schema.
// https://www.postgresql.org/docs/current/sql-altertable.html
var TableSetSchema = &rule.Rule{
	ID:       "table-set-schema",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "SET SCHEMA takes the table away from deployed code that looks for it in the old schema",
	Harm: "A table is found by its schema, or along search_path. Once it has moved, queries of the old code fail with \"relation does not exist\", " +
		"unless the new schema is on their search_path already. Indexes and owned sequences move with it.",
	Instead: "Create a view in the old schema, in the same transaction, or put the new schema on the search_path of the deployed code's role first.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html", "https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH"},
	Commit:  checkSetSchema,
}

func checkSetSchema(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RelationRenamed) {
		kind := d.Before.Kind
		if d.Before.Name.Schema == d.After.Name.Schema || d.By.Node.GetAlterObjectSchemaStmt() == nil ||
			!kind.IsTable() && !kind.IsView() && kind != catalog.ForeignTable {
			continue
		}
		reportTableMove(p, t, d, "moves to schema "+d.After.Name.Schema)
	}
}
