package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TablePrimaryKeyMissing flags a new table that the release leaves without a primary
// key. https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-PRIMARY-KEYS
var TablePrimaryKeyMissing = &rule.Rule{
	ID:       "table-primary-key-missing",
	Category: onward.Design,
	Severity: onward.Warning,
	OnlyIn:   onward.DesignSet,
	Summary:  "a new table has no primary key",
	Harm: "Nothing names a row: logical replication refuses UPDATE and DELETE on the table, backfills cannot go through it in batches, " +
		"and a doubled row cannot be removed.",
	Instead: "Give it a primary key while it is empty: later it takes an index build and a NOT NULL scan.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-PRIMARY-KEYS"},
	Gather:  gatherTables,
	Release: checkPrimaryKeyMissing,
}

// gatherTables keeps the tables that a migration creates.
func gatherTables(p *rule.Pass, m *rule.Migration) {
	for _, d := range m.CreatedTables() {
		p.KeepValue(rule.MadeObject{By: d.By, Table: d.OID})
	}
}

func checkPrimaryKeyMissing(p *rule.Pass, r *rule.Release) {
	for _, newTable := range rule.KeptValues[rule.MadeObject](p) {
		t := r.Head.Relation(newTable.Table)
		if t == nil || t.Partial || len(t.Inherits) > 0 || findPrimaryKey(t) != nil {
			continue
		}
		p.Report(newTable.By, rule.Report{
			Fact:    "table " + t.Name.String() + " has no primary key",
			Harm:    "logical replication refuses UPDATE and DELETE on it, and nothing names a row for a batch, an upsert or a repair",
			Instead: "give it one while it is empty:\nALTER TABLE " + analysis.QuoteTable(t.Name) + " ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;",
		})
	}
}

// findPrimaryKey returns the table's primary key, nil when it has none.
func findPrimaryKey(t *catalog.Relation) *catalog.Constraint {
	for _, c := range t.Constraints {
		if c.Kind == catalog.PrimaryKey {
			return c
		}
	}
	return nil
}
