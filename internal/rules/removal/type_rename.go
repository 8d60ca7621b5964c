package removal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeRename flags a type that gets another name or schema.
// https://www.postgresql.org/docs/current/sql-altertype.html
var TypeRename = &rule.Rule{
	ID:       "type-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "renaming a type breaks deployed code that casts to it or looks it up by name",
	Harm: "Columns follow a rename, text does not: queries of the old code that cast to the old name fail with \"type does not exist\", " +
		"and drivers that register the type by name fail on every new connection.",
	Instead: "Leave the name as it is; or make a second type, move the columns to it, and drop the old one a release later.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertype.html"},
	Commit:  checkTypeRename,
}

func checkTypeRename(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.TypeRenamed || !p.DeployedType(d.OldType) || d.By.Node.GetRenameStmt() == nil && d.By.Node.GetAlterObjectSchemaStmt() == nil ||
			t.After.LookupType(d.OldType.Name.Schema, d.OldType.Name.Name) != nil {
			continue
		}
		if d.OldType.Name.Schema != d.NewType.Name.Schema && d.By.Node.GetRenameStmt() != nil {
			continue // with its schema: schema-rename
		}
		u := p.Code.UsesType(deployedName(p, d.OldType))
		r := describeMove("type", d.OldType.Name, describeAct(d.By, d.NewType.Name), u)
		r.Instead = "leave the name as it is, or rename it a release after the code stopped naming it"
		p.Report(d, r)
	}
}
