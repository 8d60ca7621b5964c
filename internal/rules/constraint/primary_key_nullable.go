package constraint

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// PrimaryKeyNullable flags ADD PRIMARY KEY USING INDEX over columns that are
// not NOT NULL: the server makes them so, and looks at every row.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX
var PrimaryKeyNullable = &rule.Rule{
	ID:        "constraint-primary-key-nullable",
	Category:  onward.Locking,
	Severity:  onward.Error,
	Preset:    onward.Recommended,
	Summary:   "ADD PRIMARY KEY USING INDEX over nullable columns reads the whole table while nobody else can read it",
	Harm:      "The index is there already, but the columns become NOT NULL, and every row is looked at under ACCESS EXCLUSIVE. Every query on the table waits.",
	Instead:   "Make the columns NOT NULL first, by way of a validated CHECK; then the primary key is instant.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT-USING-INDEX"},
	Kinds:     rule.AlterTable,
	Statement: primaryKeyNullable,
}

func primaryKeyNullable(p *rule.Pass, s *rule.Stmt) {
	for _, a := range listAdditions(p, s, pgparse.ConstrType_CONSTR_PRIMARY) {
		if a.con.GetIndexname() == "" {
			continue
		}
		e := p.FindBlocked(p.EffectsAlone(a.Command), analysis.IsScanned)
		if e == nil {
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
		steps := notNull(a.table.Name, nullable)
		p.Report(a, rule.Report{
			Fact:     fact,
			Harm:     analysis.DescribeWaiting(e) + " waits until each row was looked at, and the time grows with the table",
			Grows:    e.Name,
			Severity: analysis.UnsureSeverity(e),
			Instead:  "make the columns NOT NULL first; validating the CHECK blocks nobody, in a transaction of its own:\n" + steps + s.SQL + ";",
		})
	}
}
