package blocking

import (
	"cmp"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnTypeScan flags a change of a column's type that neither rewrites the table
// nor rebuilds an index, but checks a constraint on the column again.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
var ColumnTypeScan = &rule.Rule{
	ID:       "column-type-scan",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "a change of a column's type checks the constraints on it again while nobody can read the table",
	Harm: "Even where the values stay as they are, a CHECK or foreign key on the column is made anew for the new type, " +
		"and every row is checked against it under ACCESS EXCLUSIVE.",
	Instead:   "Drop the constraint in the same statement, and add it again NOT VALID; validate it in a transaction of its own.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES"},
	Kinds:     rule.AlterTable,
	Statement: checkTypeScan,
}

func checkTypeScan(p *rule.Pass, s *rule.Stmt) {
	for _, r := range listRetypings(p, s) {
		e := p.FindBlocked(p.EffectsAlone(r.Command), analysis.IsScanned)
		if e == nil || p.FindBlocked(p.EffectsAlone(r.Command), analysis.IsRewritten) != nil ||
			p.FindBlocked(p.EffectsAlone(r.Command), analysis.RebuildsIndex) != nil {
			continue
		}
		if p.FindBlocked(&s.Result, analysis.IsScanned) == nil { // the constraint is dropped with the change
			continue
		}
		reason := cmp.Or(e.Why, "a constraint on it is checked again")
		p.Report(r, newWaitReport(e, "changing "+r.describeChange()+" reads all of "+e.Name.String()+": "+reason, "until each row was checked",
			"drop the constraint with the change, add it again NOT VALID, and validate it in a later transaction:\n"+
				s.AlterTable()+" DROP CONSTRAINT …, "+r.Text()+", ADD CONSTRAINT … NOT VALID;\n"+s.AlterTable()+" VALIDATE CONSTRAINT …;"))
	}
}
