package blocking

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnAddCheckInline flags a CHECK inside ADD COLUMN: a column constraint cannot
// be NOT VALID, so all rows are read, although all of them get one value.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ColumnAddCheckInline = &rule.Rule{
	ID:       "column-add-check-inline",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "a CHECK inside ADD COLUMN reads the whole table while nobody else can read it",
	Harm: "ADD COLUMN holds ACCESS EXCLUSIVE, and a CHECK at the column cannot be NOT VALID: " +
		"every row is checked before the lock is released, although all rows get the same value.",
	Instead: "Add the column alone, then the constraint of the table NOT VALID, and validate it in a transaction of its own, " +
		"which blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT"},
	Kinds:     rule.AlterTable,
	Statement: checkAddCheckInline,
}

func checkAddCheckInline(p *rule.Pass, s *rule.Stmt) {
	var w sharedWork
	var way advice.Way
	for _, a := range listInlineWork(p, s, analysis.IsScanned, pgparse.ConstrType_CONSTR_CHECK) {
		if a.con.HasAttribute(pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED) {
			continue
		}
		w.add(a.Command, a.e, a.column.Name, a.addBareSQL(true)+a.addConstraintsSQL(s))
		name := a.nameInline(s, a.con.Constraint, catalog.Check, "check")
		way = advice.AddChecked{
			SQL: s.SQL, Add: recipe.AddUnvalidated(a.table.Name, name, a.con.TextFrom("CHECK")), Validate: recipe.ValidateConstraint(a.table.Name, name),
		}
	}
	if w.e == nil {
		return
	}
	fact := prose.PickForm(len(w.names), "the CHECK on the new column ", "the CHECKs on the new columns ") + prose.EnumerateNames(w.names)
	r := newWaitReport(w.e, fact+" reads all of "+w.e.Name.String(), "until each row was checked",
		"add the column without the CHECK, then the constraint, and validate it in a later transaction:\n"+strings.Join(w.steps, "\n"))
	r.Steps, r.Way, r.Cause = w.steps, way, "and so do %d other statements on "+w.e.Name.String()
	p.Report(w.at, r)
}
