package blocking

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConstraintPrimaryKeyNullable flags ADD PRIMARY KEY USING INDEX over columns that are
// not NOT NULL: the server makes them so, and looks at every row.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var ConstraintPrimaryKeyNullable = &rule.Rule{
	ID:        "constraint-primary-key-nullable",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Summary:   "ADD PRIMARY KEY USING INDEX over nullable columns reads the whole table while nobody else can read it",
	Harm:      "The index is there already, but the columns become NOT NULL, and every row is looked at under ACCESS EXCLUSIVE. Every query on the table waits.",
	Instead:   "Make the columns NOT NULL first, by way of a validated CHECK; then the primary key is instant.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX"},
	Kinds:     rule.AlterTable,
	Statement: checkPrimaryKeyNullable,
}

func checkPrimaryKeyNullable(p *rule.Pass, s *rule.Stmt) {
	for a, e := range listBlockingConstraints(p, s, pgparse.ConstrType_CONSTR_PRIMARY, analysis.IsScanned) {
		if a.con.GetIndexname() == "" {
			continue
		}
		var nullable []string
		if index := s.Before.Lookup(a.table.Name.Schema, a.con.GetIndexname()); index != nil && index.Index != nil {
			for _, k := range index.Index.Keys {
				if col := a.table.Attr(k.Column); col != nil && !col.NotNull {
					nullable = append(nullable, col.Name)
				}
			}
		}
		fact := "the primary key makes " + strings.Join(nullable, ", ") + " NOT NULL, which reads all of " + e.Name.String()
		if len(nullable) == 0 {
			fact = "the primary key reads all of " + e.Name.String() + " unless its columns are NOT NULL already"
		}
		r := newWaitReport(e, fact, "until each row was looked at",
			"make the columns NOT NULL first; validating the CHECK blocks nobody, in a transaction of its own:\n"+
				requireEachNotNullSQL(a.table.Name, nullable)+s.SQL+";")
		r.Severity = analysis.UnsureSeverity(e)
		p.Report(a, r)
	}
}
