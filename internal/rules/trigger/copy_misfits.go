package trigger

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// CopyMisfits flags changes of columns by which the trigger that copies whole rows
// into another table fails, or puts values into the wrong columns.
// https://www.postgresql.org/docs/current/plpgsql-trigger.html
var CopyMisfits = &rule.Rule{
	ID:       "trigger-copy-misfits",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a trigger copies whole rows into a table that no longer has the same columns in the same order",
	Harm: "INSERT INTO history SELECT OLD.* takes the columns of the row in their order, and puts them into the columns of the other table in its order. " +
		"If only one of the two gets a column, each write that fires the trigger fails with \"INSERT has more expressions than target columns\", " +
		"also in the deployed code. Connections that have run the trigger before keep their plan until the history is next analyzed, " +
		"so the failures begin minutes after the deploy. If both get a column but the history has further ones after it, the values land one column off.",
	Instead: "Give the history the column first, and name the columns in the function before either table changes.",
	Manual:  []string{"https://www.postgresql.org/docs/current/plpgsql-trigger.html", "https://www.postgresql.org/docs/current/sql-insert.html"},
	Commit:  checkCopyMisfits,
}

func checkCopyMisfits(p *rule.Pass, t *rule.Tx) {
	var reportedTriggers []catalog.OID
	// The table that the rows come from is where the change is meant.
	for _, copying := range []func(*rule.Pass, *rule.Tx, *catalog.Relation) []*catalog.Relation{listTableItself, listCopyingTables} {
		for d := range p.DeployedChanges(t, catalog.ColumnAdded, catalog.ColumnDropped) {
			if !d.Before.Kind.IsTable() {
				continue
			}
			for _, r := range copying(p, t, d.After) {
				for _, trigger := range r.Triggers {
					if !slices.Contains(reportedTriggers, trigger.ID) && judgeRowCopy(p, t, d, r, trigger) {
						reportedTriggers = append(reportedTriggers, trigger.ID)
					}
				}
			}
		}
	}
}

func listTableItself(_ *rule.Pass, _ *rule.Tx, r *catalog.Relation) []*catalog.Relation {
	return []*catalog.Relation{r}
}

// judgeRowCopy judges a trigger of a table by its state before the commit: rows that fitted
// must still fit.
func judgeRowCopy(p *rule.Pass, t *rule.Tx, d *rule.Delta, r *catalog.Relation, trigger *catalog.Trigger) bool {
	fn, old := analysis.RowFunction(t.After, trigger), t.Before.Relation(r.OID)
	if fn == nil || old == nil {
		return false
	}
	before := t.Before.RowCopies(fn, old)
	for _, x := range t.After.RowCopies(fn, r) {
		index := slices.IndexFunc(before, func(o catalog.RowCopy) bool { return o.Text == x.Text })
		if x.IsFit() || index < 0 || before[index].Fails != "" || x.Fails == "" && !before[index].IsFit() {
			continue
		}
		use := analysis.RowUse(fn, r, trigger, catalog.Field{Mention: x.Mention})
		fires := "each " + use.Fires
		if x.Maybe {
			fires += " and comes there"
		}
		out := rule.Report{
			Fact: "trigger " + trigger.Name + " copies " + x.Record + ".* of " + r.Name.String() + " into " + x.Into.Name.String() +
				", whose columns are no longer the same",
			Evidence: []onward.Evidence{use.Evidence()},
		}
		if x.Fails != "" {
			out.Harm = fires + " fails with " + x.Fails
			if d.OID == r.OID {
				out.Harm += ", on connections that have run it before once their plan is made anew"
			}
			out.Instead = "name the columns in the INSERT of " + fn.Signature() + " before"
			if d.Kind == catalog.ColumnAdded && d.OID == r.OID {
				out.Instead = "give " + x.Into.Name.String() + " the column first, and let it be null:\n" +
					recipe.AddColumn(x.Into.Name, d.New.Name, analysis.QuoteType(d.New.Type)) + ";"
			}
		} else {
			out.Harm = fires + " fails, or puts " + x.Record + "." + x.Column + " into column " + x.Lands + " of " + x.Into.Name.String()
			out.Instead = "name the columns in the INSERT of " + fn.Signature() + ", in the same transaction (CREATE OR REPLACE FUNCTION)"
		}
		if isMisfitRepaired(t, r, trigger, fn, x.Text) {
			out.Severity = onward.Warning
			out.Harm += ", until a later transaction of the migration mends it"
		} else {
			out.Harm += ", in old and new code alike"
		}
		p.Report(d, out)
		return true
	}
	return false
}

// isMisfitRepaired reports whether the rows fit again at the end of the migration, or nothing
// copies them any more.
func isMisfitRepaired(t *rule.Tx, r *catalog.Relation, trigger *catalog.Trigger, fn *catalog.Function, text string) bool {
	last := t.Migration.After()
	now := last.Relation(r.OID)
	if now == nil || now.Trigger(trigger.Name) == nil || analysis.RowFunction(last, trigger) != fn {
		return true
	}
	return !slices.ContainsFunc(last.RowCopies(fn, now), func(x catalog.RowCopy) bool { return x.Text == text && !x.IsFit() })
}

// listCopyingTables are the tables whose row triggers may copy whole rows into one.
func listCopyingTables(p *rule.Pass, t *rule.Tx, table *catalog.Relation) []*catalog.Relation {
	return p.FunctionBodies(t).CopyingInto(table)
}
