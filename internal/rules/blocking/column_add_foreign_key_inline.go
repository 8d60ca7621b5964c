package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnAddForeignKeyInline flags REFERENCES inside ADD COLUMN with a default.
// Without one every row holds NULL and the server validates nothing; with one
// it looks up each row. https://www.postgresql.org/docs/current/sql-altertable.html
var ColumnAddForeignKeyInline = &rule.Rule{
	ID:       "column-add-foreign-key-inline",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "REFERENCES inside ADD COLUMN with a default reads the whole table while nobody else can read it",
	Harm: "A foreign key at the column cannot be NOT VALID. With a default each row is looked up in the referenced table, " +
		"while ACCESS EXCLUSIVE is held on the one table and SHARE ROW EXCLUSIVE on the other.",
	Instead:   "Add the column with its default alone, then the foreign key NOT VALID, and validate it in a transaction of its own.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT"},
	Kinds:     rule.AlterTable,
	Statement: checkAddForeignKeyInline,
}

func checkAddForeignKeyInline(p *rule.Pass, s *rule.Stmt) {
	for _, a := range listInlineWork(p, s, analysis.IsScanned, pgparse.ConstrType_CONSTR_FOREIGN) {
		if a.column.Default == nil {
			continue
		}
		ref, _ := s.Before.Resolve(a.con.GetPktable())
		harm := analysis.DescribeWaiting(a.e) + ", and every write to " + ref.Name.String() + ", waits until each row was looked up"
		if a.column.Default.GetAConst() != nil {
			harm += "; the statement fails unless " + ref.Name.String() + " has the row that the default names"
		}
		p.Report(a, rule.Report{
			Fact: "REFERENCES " + ref.Name.String() + " on the new column " + a.column.Name + " reads all of " + a.e.Name.String() + ", because of its default",
			Harm: harm,
			Instead: "add the column with its default alone, then the foreign key, and validate it in a later transaction:\n" +
				a.addBareSQL(true) + a.addConstraintsSQL(s),
		})
	}
}
