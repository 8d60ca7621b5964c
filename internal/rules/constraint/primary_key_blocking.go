package constraint

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PrimaryKeyBlocking flags ADD PRIMARY KEY that builds its index.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var PrimaryKeyBlocking = &rule.Rule{
	ID:        "constraint-primary-key-blocking",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Preset:    onward.Recommended,
	Summary:   "ADD PRIMARY KEY builds its index while nobody can read the table",
	Harm:      "ALTER TABLE holds ACCESS EXCLUSIVE for the whole build of the index, and looks for NULLs as well. Every query on the table waits, and the time grows with the table.",
	Instead:   "Make the columns NOT NULL by way of a validated CHECK, build a unique index CONCURRENTLY, and make it the key's index, which is instant.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX"},
	Kinds:     rule.AlterTable,
	Statement: primaryKeyBlocking,
}

func primaryKeyBlocking(p *rule.Pass, s *rule.Stmt) {
	for _, a := range additions(p, s, pgparse.ConstrType_CONSTR_PRIMARY) {
		e := p.Blocked(p.Alone(a.Command), analysis.BuildsIndex)
		if e == nil {
			continue
		}
		var nullable []string
		for _, k := range keys(a.con.GetKeys()) {
			if col := a.table.Column(k); col == nil || !col.NotNull {
				nullable = append(nullable, k)
			}
		}
		p.Report(a, rule.Report{
			Fact:    "adding " + a.called("primary key") + " builds an index on " + e.Name.String(),
			Harm:    analysis.Waiting(e) + " waits until the index is built, and the time grows with the table",
			Instead: a.concurrently(s, "PRIMARY KEY", notNull(analysis.Table(a.table.Name), a.table.Name.Name, nullable)),
		})
	}
}

// notNull is the SQL that makes columns NOT NULL without blocking anyone.
func notNull(table, prefix string, columns []string) string {
	out := ""
	for _, c := range columns {
		con, col := pgparse.QuoteIdent(catalog.ObjectName(prefix, c, "not_null")), pgparse.QuoteIdent(c)
		out += "ALTER TABLE " + table + " ADD CONSTRAINT " + con + " CHECK (" + col + " IS NOT NULL) NOT VALID;\n" +
			"ALTER TABLE " + table + " VALIDATE CONSTRAINT " + con + ";\n" +
			"ALTER TABLE " + table + " ALTER COLUMN " + col + " SET NOT NULL;\n" +
			"ALTER TABLE " + table + " DROP CONSTRAINT " + con + ";\n"
	}
	return out
}
