package relation

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableCreateRule flags CREATE RULE on an existing table.
// https://www.postgresql.org/docs/current/rules-triggers.html
var TableCreateRule = &rule.Rule{
	ID:       "table-create-rule",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a rewrite rule changes what the statements of the deployed code do",
	Harm: "A rule rewrites each statement on the table before it is planned. With DO INSTEAD the deployed code's INSERT, " +
		"UPDATE or DELETE does something else, reports 0 rows, and RETURNING fails unless the rule has one; " +
		"ON CONFLICT is refused on a table with INSERT or UPDATE rules. Expressions like nextval() may run twice.",
	Instead: "Use a trigger, or a view with INSTEAD OF triggers.",
	Manual:  []string{"https://www.postgresql.org/docs/current/rules-triggers.html", "https://www.postgresql.org/docs/current/sql-createrule.html"},
	Commit:  checkCreateRule,
}

func checkCreateRule(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RuleCreated) {
		if d.Before.View != nil {
			continue
		}
		event := "statements"
		if s := d.By.Node.GetRuleStmt(); s != nil {
			event = map[pgparse.CmdType]string{
				pgparse.CmdType_CMD_INSERT: "INSERTs", pgparse.CmdType_CMD_UPDATE: "UPDATEs", pgparse.CmdType_CMD_DELETE: "DELETEs", pgparse.CmdType_CMD_SELECT: "SELECTs",
			}[s.GetEvent()]
			if s.GetInstead() {
				event = event + ", done instead of what they say,"
			}
		}
		p.Report(d, rule.Report{
			Fact:    "rule " + d.What + " rewrites " + event + " on " + d.Before.Name.String(),
			Harm:    "the deployed code's statements do something else from now on, with other row counts, and ON CONFLICT or RETURNING may be refused",
			Instead: "use a trigger",
		})
	}
}
