package trigger

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Drop flags DROP TRIGGER on an existing table.
// https://www.postgresql.org/docs/current/sql-droptrigger.html
var Drop = &rule.Rule{
	ID:       "trigger-drop",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "what a dropped trigger kept up stops while the deployed code still writes",
	Harm: "The deployed code relies on the trigger without naming it: timestamps, audit rows, " +
		"search columns and copies are no longer written for its INSERTs and UPDATEs, and nothing fails. Somebody must write the missing values later.",
	Instead: "Release code that does the trigger's work first, and drop the trigger a release later. " +
		"To change one use CREATE OR REPLACE TRIGGER (14 and later), or drop and create it in one transaction.",
	Manual: []string{"https://www.postgresql.org/docs/current/sql-droptrigger.html", "https://www.postgresql.org/docs/current/sql-createtrigger.html"},
	Commit: checkTriggerDrop,
}

func checkTriggerDrop(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.TriggerDropped) {
		if d.After == nil || !d.OldTrigger.Enabled || isAddedByRelease(p, d) ||
			d.OldTrigger.Timing == "instead of" && t.After.ReadOnly(d.After) != "" || // view-write-refused
			d.By.Node.GetDropStmt().GetRemoveType() != pgparse.ObjectType_OBJECT_TRIGGER {
			continue
		}
		replacement := t.FindChange(catalog.TriggerCreated, func(o *rule.Delta) bool {
			return o.OID == d.OID && (o.NewTrigger.Name == d.OldTrigger.Name || o.NewTrigger.Function == d.OldTrigger.Function)
		})
		if replacement != nil || servedDroppedObject(t, d) {
			continue
		}
		name, table := d.OldTrigger.Name, d.Before.Name.String()
		recreation := findRecreation(t, d)
		if recreation != nil && d.OldTrigger.Inferred && d.By.IfExists() {
			continue // there is none yet, most likely
		}
		r := rule.Report{
			Fact: "trigger " + name + " of " + table + " is dropped",
			Harm: "what " + d.OldTrigger.Function.String() + " did for each " + d.OldTrigger.Events + " of the deployed code on " + table +
				" is no longer done, and nothing fails",
			Instead: "drop it a release after the code that no longer needs it",
		}
		if d.OldTrigger.Inferred {
			r.Harm = "what it did for the deployed code's writes on " + table + " is no longer done, and nothing fails"
		}
		if recreation != nil {
			r.Fact += " and made again in another transaction, at " + recreation.RelativePlace(d.By)
			r.Harm = "what the deployed code writes to " + table + " in between goes without it"
			r.Instead = "do both in one transaction:\nBEGIN;\n" + d.By.SQL + ";\n" + recreation.SQL + ";\nCOMMIT;"
		}
		p.Report(d, r)
	}
}

// servedDroppedObject reports whether the trigger was for a column that the transaction drops or
// renames, or for tables that it drops. With the trigger, each write would fail from then
// on. Uses of the column in the deployed code are reported by column-drop and
// column-rename, and uses of the table by table-drop.
func servedDroppedObject(t *rule.Tx, d *rule.Delta) bool {
	if fn := analysis.TriggerFunction(t.Before, d.OldTrigger); fn != nil {
		written := catalog.ReadBody(fn).ListWrittenRelations(t.Before)
		if len(written) > 0 && !slices.ContainsFunc(written, func(r *catalog.Relation) bool { return t.After.Relation(r.OID) != nil }) {
			return true
		}
	}
	return !mayLackFields(t.Before, d.Before, d.OldTrigger) && mayLackFields(t.Before, d.After, d.OldTrigger)
}

// isAddedByRelease reports whether this release made the trigger.
func isAddedByRelease(p *rule.Pass, d *rule.Delta) bool {
	r := p.Release.Deployed.Relation(d.OID)
	return r != nil && r.Trigger(d.OldTrigger.Name) == nil && !r.Inferred
}

// findRecreation finds the statement of the same migration, after the transaction, that recreates
// the trigger.
func findRecreation(t *rule.Tx, d *rule.Delta) *rule.Stmt {
	last := t.Statements[len(t.Statements)-1]
	for _, s := range rule.StatementsAfter(rule.StatementsOf[*pgparse.Node_CreateTrigStmt](t.Migration), last) {
		if s.Node.GetCreateTrigStmt().GetTrigname() != d.OldTrigger.Name {
			continue
		}
		if r := s.After.Relation(d.OID); r != nil && r.Trigger(d.OldTrigger.Name) != nil {
			return s
		}
	}
	return nil
}
