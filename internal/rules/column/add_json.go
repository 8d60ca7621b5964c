package column

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddJson flags a new column of type json on an existing table.
// https://www.postgresql.org/docs/current/datatype-json.html
var AddJson = &rule.Rule{
	ID:       "column-add-json",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a new json column breaks SELECT DISTINCT, GROUP BY and UNION over all columns",
	Harm: "The type json has no equality operator. Deployed queries that compare whole rows (SELECT DISTINCT *, UNION, " +
		"GROUP BY all columns of a model) fail with \"could not identify an equality operator for type json\" as soon as the table has such a column.",
	Instead: "Use jsonb: it can be compared, indexed, and is faster to read.",
	Manual:  []string{"https://www.postgresql.org/docs/current/datatype-json.html"},
	Commit:  checkAddJSON,
}

func checkAddJSON(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.ColumnAdded) {
		if !d.Before.Kind.IsTable() || d.New.Type.Name != (catalog.Name{Schema: "pg_catalog", Name: "json"}) {
			continue
		}
		harm, severity := "fail", onward.Off
		if p.Code.FindComparisons(p.DeployedName(d)).IsIdle() {
			harm, severity = "would fail, though the deployed code says neither DISTINCT nor UNION", onward.Info
		}
		p.Report(d, rule.Report{
			Fact: "column " + d.New.Name + " of type json is added to " + d.Before.Name.String(),
			Harm: "deployed queries with SELECT DISTINCT, GROUP BY or UNION over all columns of " + d.Before.Name.String() + " " + harm +
				": json has no equality operator",
			Severity: severity,
			Cause:    "and %d other columns of the type are added",
			Instead:  "use jsonb:\nALTER TABLE " + analysis.QuoteTable(d.TableName()) + " ADD COLUMN " + pgparse.QuoteIdent(d.New.Name) + " jsonb;",
		})
	}
}
