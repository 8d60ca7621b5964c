package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddAmbiguous flags a new name of a column that makes a join of the deployed code ambiguous.
// https://www.postgresql.org/docs/current/sql-expressions.html
var AddAmbiguous = &rule.Rule{
	ID:       "column-add-ambiguous",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a new column makes a name in a join of the deployed code ambiguous",
	Harm: "A query may name a column without its table while only one table of its FROM has such a column. " +
		"After a second one gets it, the server refuses the query: \"column reference is ambiguous\". " +
		"The deployed code fails at once, although nothing that it uses was changed.",
	Instead: "Release code that names the column with its table first, or give the new column another name.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-expressions.html#SQL-EXPRESSIONS-COLUMN-REFS"},
	Commit:  checkAddAmbiguous,
}

func checkAddAmbiguous(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.ColumnAdded, catalog.ColumnRenamed) {
		if r := p.Release.Deployed.Relation(d.OID); r == nil || r.Column(d.New.Name) != nil {
			continue
		}
		name, table := d.New.Name, d.Before.Name.String()
		u := p.Code.FindAmbiguousNames(p.DeployedName(d), name)
		if !u.Used {
			continue
		}
		act := "is added to " + table
		if d.Kind == catalog.ColumnRenamed {
			act = "of " + table + " gets its name"
		}
		p.Report(d, rule.Report{
			Fact:     "column " + name + " " + act + ", and a join of the deployed code names a column " + name + " of another table without that table",
			Harm:     "the query fails" + u.FirstPlace() + ": column reference \"" + name + "\" is ambiguous",
			Instead:  "release code that names the column with its table first, or give the new column another name",
			Evidence: u.Evidence,
		})
	}
}
