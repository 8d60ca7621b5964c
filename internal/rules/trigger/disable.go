package trigger

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Disable flags a trigger that is off at commit. DISABLE TRIGGER ALL is
// data-triggers-disabled's.
// https://www.postgresql.org/docs/current/sql-altertable.html
var Disable = &rule.Rule{
	ID:       "trigger-disable",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a trigger is off for everybody once DISABLE TRIGGER, or ENABLE REPLICA TRIGGER, commits",
	Harm: "DISABLE TRIGGER is no setting of the session, and a trigger ENABLEd for REPLICA fires in sessions that apply changes of another server alone: " +
		"from the commit on the trigger is off for the deployed code too, and what it kept up is no longer written. " +
		"When a later statement that enables it fails, it stays off, and nothing tells.",
	Instead: "Disable and enable it in one transaction; or leave it on, and let its function return early for the migration's session (a custom setting).",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:  checkTriggerDisable,
}

func checkTriggerDisable(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.TriggerChanged) {
		if d.OldTrigger == nil || !d.OldTrigger.Enabled || d.NewTrigger.Enabled || isAddedByRelease(p, d) || !disablesUserTriggers(d.By) {
			continue
		}
		p.Report(d, rule.Report{
			Fact:    "trigger " + d.NewTrigger.Name + " of " + d.Before.Name.String() + " is off once this commits",
			Harm:    "what it did for the deployed code's writes on " + d.Before.Name.String() + " is no longer done, and nothing fails",
			Instead: "enable it again in the same transaction:\n" + recipe.EnableTrigger(d.Before.Name, d.NewTrigger.Name) + ";",
		})
	}
}

// disablesUserTriggers reports whether a statement disables user triggers, and not the internal
// triggers of foreign keys.
func disablesUserTriggers(s *rule.Stmt) bool {
	for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
		switch n.GetAlterTableCmd().GetSubtype() {
		case pgparse.AlterTableType_AT_DisableTrig, pgparse.AlterTableType_AT_DisableTrigUser, pgparse.AlterTableType_AT_EnableReplicaTrig:
			return true
		}
	}
	return false
}
