package data

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TriggersDisabled flags session_replication_role = replica.
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE
var TriggersDisabled = &rule.Rule{
	ID:        "data-triggers-disabled",
	Category:  onward.DataLoss,
	Severity:  onward.Error,
	Preset:    rule.Recommended,
	Summary:   "session_replication_role = replica switches foreign keys and triggers off",
	Harm:      "Foreign keys are triggers. While the session plays a replica, rows that violate them are written without a word, and nothing checks them later: the constraint says it holds, and it does not.",
	Instead:   "Write the rows in an order that the foreign keys accept, or make them deferrable.",
	Manual:    []string{"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SESSION-REPLICATION-ROLE"},
	Statement: triggersDisabled,
}

func triggersDisabled(p *rule.Pass, s *rule.Stmt) {
	set, ok := rule.SettingOf(s.Node)
	if !ok || set.Name != "session_replication_role" || set.Value != "replica" {
		return
	}
	for _, x := range s.Migration.Statements[s.Index+1:] {
		if !x.Settings.ReplicaRole {
			break
		}
		for _, w := range p.Writes(x) {
			if !p.InUse(w.Table) {
				continue
			}
			p.Report(s, rule.Report{
				Fact:     "foreign keys and triggers are off while " + w.Verb + " at " + x.Where() + " writes to " + w.Table.Name.String(),
				Harm:     "rows that violate a foreign key get in without a word, and nothing checks them later",
				Instead:  "write the rows in an order that the foreign keys accept, or defer them:\nSET CONSTRAINTS ALL DEFERRED;",
				Evidence: []onward.Evidence{x.Evidence("writes to " + w.Table.Name.String())},
			})
			return
		}
	}
}
