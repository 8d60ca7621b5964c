package relation

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// reportMissingTriggers tells the triggers that the new table does not have.
func reportMissingTriggers(p *rule.Pass, r *rule.Release, k nameTaker, old, now *catalog.Relation) {
	var lost []*catalog.Trigger
	for _, g := range old.Triggers {
		if !g.Enabled || g.Parent || slices.ContainsFunc(now.Triggers, func(n *catalog.Trigger) bool { return n.Function == g.Function }) ||
			copiesToNewTable(r.Deployed, g, k.names) {
			continue
		}
		lost = append(lost, g)
	}
	if len(lost) == 0 {
		return
	}
	var names []string
	for _, g := range lost {
		names = append(names, g.Name)
	}
	label := "trigger "
	if len(lost) > 1 {
		label = "triggers "
	}
	p.Report(k.by, rule.Report{
		Fact: "a new table takes the name of " + now.Name.String() + " without its " + label + prose.EnumerateNames(names),
		Harm: "what " + lost[0].Function.String() + " did for each " + lost[0].Events + " of the deployed code on " + now.Name.String() +
			" is no longer done, and nothing fails",
		Instead:  "create them on the new table, in the same transaction",
		Severity: onward.Warning,
	})
}

// copiesToNewTable reports whether a trigger is there to carry rows over to the new
// table: its function names that, or cannot be read.
func copiesToNewTable(c *catalog.Catalog, g *catalog.Trigger, names []string) bool {
	for _, fn := range c.Functions(g.Function.Schema, g.Function.Name) {
		body := strings.ToLower(fn.Body)
		return body == "" || slices.ContainsFunc(names, func(n string) bool { return strings.Contains(body, strings.ToLower(n)) })
	}
	return len(c.Functions(g.Function.Schema, g.Function.Name)) == 0 && g.Function.Schema != "pg_catalog"
}
