package function

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Rename flags a function that gets another name or schema.
// https://www.postgresql.org/docs/current/sql-alterfunction.html
var Rename = &rule.Rule{
	ID:       "function-rename",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "renaming a function breaks deployed code that calls it by its old name",
	Harm:     "Triggers, views and defaults follow a rename; the text of queries and of other functions' bodies does not: calls by the old name fail with \"function does not exist\".",
	Instead:  "Create a second function with the new name, and drop the old one a release later.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-alterfunction.html"},
	Commit:   rename,
}

func rename(p *rule.Pass, t *rule.Tx) {
	for i := range t.Deltas {
		d := &t.Deltas[i]
		if d.Kind != catalog.FunctionRenamed || !p.DeployedFunction(d.OldFunction) || !called(d.OldFunction) {
			continue
		}
		from, to := d.OldFunction.Name, d.NewFunction.Name
		act := "is renamed to " + to.Name
		if from.Schema != to.Schema {
			if d.By.Node.GetAlterObjectSchemaStmt() == nil {
				continue // with its schema: schema-rename
			}
			act = "moves to schema " + to.Schema
		}
		if len(t.After.Functions(from.Schema, from.Name)) > 0 {
			continue // function-signature-changed compares them
		}
		u := p.Code.UsesName(from)
		p.Report(d.By, rule.Report{
			Fact:     d.OldFunction.Kind + " " + from.String() + " " + act,
			Harm:     u.Breaks("\"" + from.String() + "\""),
			Unused:   from.String(),
			Instead:  "create a second one with the new name, and drop the old one a release later",
			Severity: severity(u),
			Evidence: u.Evidence,
		})
	}
}
