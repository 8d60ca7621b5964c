package constraint

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PrimaryKeyBlocking flags ADD PRIMARY KEY that builds its index.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var PrimaryKeyBlocking = &rule.Rule{
	ID:       "constraint-primary-key-blocking",
	Category: onward.Locking,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "ADD PRIMARY KEY builds its index while nobody can read the table",
	Harm: "ALTER TABLE holds ACCESS EXCLUSIVE for the whole build of the index, and looks for NULLs as well. " +
		"Every query on the table waits, and the time grows with the table.",
	Instead:   "Make the columns NOT NULL by way of a validated CHECK, build a unique index CONCURRENTLY, and make it the key's index, which is instant.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX"},
	Kinds:     rule.AlterTable,
	Statement: primaryKeyBlocking,
}

func primaryKeyBlocking(p *rule.Pass, s *rule.Stmt) {
	for _, a := range listAdditions(p, s, pgparse.ConstrType_CONSTR_PRIMARY) {
		e := p.FindBlocked(p.EffectsAlone(a.Command), analysis.BuildsIndex)
		if e == nil {
			continue
		}
		var nullable []string
		for _, k := range keyColumns(a.con.GetKeys()) {
			if col := a.table.Column(k); col == nil || !col.NotNull {
				nullable = append(nullable, k)
			}
		}
		p.Report(a, rule.Report{
			Fact:    "adding " + a.describeConstraint("primary key") + " builds an index on " + e.Name.String(),
			Harm:    analysis.DescribeWaiting(e) + " waits until the index is built, and the time grows with the table",
			Grows:   e.Name,
			Instead: a.buildIndexFirst(s, "PRIMARY KEY", notNull(a.table.Name, nullable)),
		})
	}
}

// notNull is the SQL that makes columns NOT NULL without blocking anyone.
func notNull(table catalog.Name, columns []string) string {
	out := ""
	for _, c := range columns {
		way := recipe.Requirement{Table: table, Columns: []string{c}, Check: catalog.ObjectName(table.Name, c, "not_null")}
		out += recipe.FormatStatements(way.Statements()...) + "\n"
	}
	return out
}
