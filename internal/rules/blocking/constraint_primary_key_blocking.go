package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConstraintPrimaryKeyBlocking flags ADD PRIMARY KEY that builds its index.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var ConstraintPrimaryKeyBlocking = &rule.Rule{
	ID:       "constraint-primary-key-blocking",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "ADD PRIMARY KEY builds its index while nobody can read the table",
	Harm: "ALTER TABLE holds ACCESS EXCLUSIVE for the whole build of the index, and looks for NULLs as well. " +
		"Every query on the table waits, and the time grows with the table.",
	Instead:   "Make the columns NOT NULL by way of a validated CHECK, build a unique index CONCURRENTLY, and make it the key's index, which is instant.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX"},
	Kinds:     rule.AlterTable,
	Statement: checkPrimaryKeyBlocking,
}

func checkPrimaryKeyBlocking(p *rule.Pass, s *rule.Stmt) {
	for a, e := range listBlockingConstraints(p, s, pgparse.ConstrType_CONSTR_PRIMARY, analysis.BuildsIndex) {
		var nullable []string
		for _, k := range pgparse.StringTexts(a.con.GetKeys()) {
			if col := a.table.Column(k); col == nil || !col.NotNull {
				nullable = append(nullable, k)
			}
		}
		p.Report(a, newWaitReport(e, "adding "+a.describeConstraint("primary key")+" builds an index on "+e.Name.String(),
			"until the index is built",
			a.adviseIndexFirst(s, "PRIMARY KEY", requireEachNotNullSQL(a.table.Name, nullable))))
	}
}

// requireEachNotNullSQL is requireNotNullSQL for one column after the other.
func requireEachNotNullSQL(table catalog.Name, columns []string) string {
	out := ""
	for _, c := range columns {
		out += requireNotNullSQL(table, c) + "\n"
	}
	return out
}
