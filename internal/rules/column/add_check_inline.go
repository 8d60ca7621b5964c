package column

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// AddCheckInline flags a CHECK inside ADD COLUMN: a column constraint cannot
// be NOT VALID, so all rows are read, although all of them get one value.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var AddCheckInline = &rule.Rule{
	ID:       "column-add-check-inline",
	Category: onward.Locking,
	Severity: onward.Error,
	Preset:   onward.Recommended,
	Summary:  "a CHECK inside ADD COLUMN reads the whole table while nobody else can read it",
	Harm: "ADD COLUMN holds ACCESS EXCLUSIVE, and a CHECK at the column cannot be NOT VALID: " +
		"every row is checked before the lock is released, although all rows get the same value.",
	Instead: "Add the column alone, then the constraint of the table NOT VALID, and validate it in a transaction of its own, " +
		"which blocks neither reads nor writes.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT"},
	Kinds:     rule.AlterTable,
	Statement: addCheckInline,
}

func addCheckInline(p *rule.Pass, s *rule.Stmt) {
	// The table is read once, however many columns ask for it.
	var names, steps []string
	var way advice.Way
	var e *effect.Effect
	var at rule.Commands
	for _, a := range listAdditions(p, s) {
		con := a.inlineConstraint(pgparse.ConstrType_CONSTR_CHECK)
		if con == nil || a.findRewrite(p) != nil || a.inlineConstraint(pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED) != nil {
			continue
		}
		scan := p.FindBlocked(p.EffectsAlone(a.Command), analysis.IsScanned)
		if scan == nil {
			continue
		}

		name, text := con.GetConname(), "…"
		if made := a.findConstraint(s, catalog.Check); made != nil {
			name, text = made.Name, made.ExprText
		} else if name == "" {
			name = catalog.ObjectName(a.table.Name.Name, a.column.Name, "check")
		}
		e, at, names = scan, append(at, a.Command), append(names, a.column.Name)
		add := recipe.AddUnvalidated(a.table.Name, name, "CHECK ("+text+")")
		validate := recipe.ValidateConstraint(a.table.Name, name)
		steps = append(steps, a.addBareSQL(true)+recipe.FormatStatements(add, validate))
		way = advice.AddChecked{SQL: s.SQL, Add: add, Validate: validate}
	}
	if e == nil {
		return
	}
	fact := "the CHECK on the new column " + prose.EnumerateNames(names)
	if len(names) > 1 {
		fact = "the CHECKs on the new columns " + prose.EnumerateNames(names)
	}
	p.Report(at, rule.Report{
		Fact:    fact + " reads all of " + e.Name.String(),
		Harm:    analysis.DescribeWaiting(e) + " waits until each row was checked, and the time grows with the table",
		Grows:   e.Name,
		Instead: "add the column without the CHECK, then the constraint, and validate it in a later transaction:\n" + strings.Join(steps, "\n"),
		Way:     way,
		Cause:   "and so do %d other statements on " + e.Name.String(),
	})
}
