package column

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddCachedPlan mentions changes to the columns of a table for the sake of
// prepared statements with a * in them.
// https://www.postgresql.org/docs/current/sql-prepare.html
var AddCachedPlan = &rule.Rule{
	ID:       "column-add-cached-plan",
	Category: onward.Compatibility,
	Severity: onward.Info,
	OnlyIn:   onward.Strict,
	Summary:  "a change of a table's columns breaks prepared statements that select all of them",
	Harm: "A connection that has prepared SELECT * or RETURNING * gets \"cached plan must not change result type\" at the next execution. " +
		"Drivers that prepare by themselves (pgx, JDBC, asyncpg, sqlx) do so for every query; inside a transaction they cannot prepare again and retry.",
	Instead: "Name the columns in queries. Otherwise expect a burst of SQLSTATE 0A000 after the migration, and have the code retry.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-prepare.html"},
	Commit:  checkAddCachedPlan,
}

func checkAddCachedPlan(p *rule.Pass, t *rule.Tx) {
	reportedTables := map[catalog.OID]bool{}
	for i := range t.Deltas {
		d := &t.Deltas[i]
		var change string
		switch d.Kind {
		case catalog.ColumnAdded:
			change = "gets column " + d.New.Name
		case catalog.ColumnDropped:
			change = "loses column " + d.Old.Name
		case catalog.ColumnRenamed:
			change = "calls column " + d.Old.Name + " " + d.New.Name
		case catalog.ColumnTypeChanged:
			change = "has another type for column " + d.New.Name
		default:
			continue
		}
		if reportedTables[d.OID] || !p.IsDeployed(d) || d.Before.Kind == catalog.CompositeType {
			continue
		}
		reportedTables[d.OID] = true
		p.Report(d, rule.Report{
			Fact:    d.Before.Name.String() + " " + change,
			Harm:    "connections that have prepared SELECT * or RETURNING * on " + d.Before.Name.String() + " fail once: cached plan must not change result type",
			Instead: "name the columns in queries, or have the code retry on SQLSTATE 0A000",
		})
	}
}
