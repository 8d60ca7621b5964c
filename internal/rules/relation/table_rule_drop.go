package relation

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableRuleDrop flags DROP RULE and DISABLE RULE on an existing table.
// https://www.postgresql.org/docs/current/sql-droprule.html
var TableRuleDrop = &rule.Rule{
	ID:       "table-rule-drop",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "without a rewrite rule the statements of the deployed code do something else",
	Harm: "The deployed code relies on the rule without naming it: a DELETE that the rule turned into an UPDATE removes rows again, " +
		"a copy or a log is no longer written. Nothing fails.",
	Instead: "Release code that does the rule's work first, and drop the rule a release later. To change one use CREATE OR REPLACE RULE.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-droprule.html", "https://www.postgresql.org/docs/current/sql-altertable.html"},
	Commit:  checkRuleDrop,
}

func checkRuleDrop(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RuleDropped, catalog.RuleChanged) {
		u := d.Before.FindRule(d.What)
		if d.After == nil || u == nil || u.Disabled || isRuleNew(p, d) {
			continue
		}
		name, table := d.What, d.Before.Name.String()
		r := rule.Report{
			Fact:    "rule " + name + " of " + table + " is dropped",
			Harm:    "each " + strings.ToUpper(u.Event) + " of the deployed code on " + table + " goes without the rule's actions, and nothing fails",
			Instead: "drop it a release after the code that no longer needs it",
		}
		switch {
		case d.Kind == catalog.RuleChanged && d.After.FindRule(name).Disabled:
			r.Fact = "rule " + name + " of " + table + " is off once this commits"
			r.Instead = "enable it again in the same transaction:\n" + recipe.EnableRule(d.Before.Name, name) + ";"
		case d.By.Node.GetDropStmt().GetRemoveType() != pgparse.ObjectType_OBJECT_RULE || hasSuccessor(d, u):
			continue
		}
		p.Report(d, r)
	}
}

// isRuleNew reports whether this release made the rule.
func isRuleNew(p *rule.Pass, d *rule.Delta) bool {
	r := p.Release.Deployed.Relation(d.OID)
	return r != nil && r.FindRule(d.What) == nil && !r.Inferred
}

// hasSuccessor reports whether a rule or a trigger for the same event comes in the place of one that is dropped.
func hasSuccessor(d *rule.Delta, u *catalog.Rule) bool {
	return slices.ContainsFunc(d.After.Rules, func(o *catalog.Rule) bool { return o.Event == u.Event && d.Before.FindRule(o.Name) == nil }) ||
		slices.ContainsFunc(d.After.Triggers, func(o *catalog.Trigger) bool {
			return strings.Contains(o.Events, u.Event) && d.Before.Trigger(o.Name) == nil
		})
}
